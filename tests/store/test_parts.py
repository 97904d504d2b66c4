"""The keys of parts: what a latency depends on, by name."""

import json

import pytest

from lambda_arch.arch import parse
from lambda_arch.store.parts import describe_part, part_key


def part(name, path):
    return next(each for each in parse(name).parts() if each.path == path)


def test_a_key_is_named_fields_without_defaults():
    assert json.loads(part_key(part("lambda_resnet50:k=8,se=0.25", "c4.1"))) == {
        "version": 1,
        "place": "c4",
        "first": True,
        "settings": {
            "type": "bottleneck",
            "block": {"type": "block", "layer": {"type": "L", "k": 8}, "se": 0.25},
        },
        "dim": 512,
        "dim_out": 1024,
        "size": 28,
        "stride": 2,
        "pool": "3x3",
    }


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("c4.1", "stride=no"),
        ("c2.1", "pool=first"),
        ("c4.1", "pool=2x2"),
        ("c4.2", "activation=silu"),
        ("c4.2", "k=8"),
        ("c4.2", "se=0.25"),
        ("stem", "stem=deep"),
        ("stem", "activation=silu"),
        ("head", "classes=10"),
    ],
)
def test_what_changes_a_latency_changes_the_key_and_is_said(path, options):
    plain, changed = (part(name, path) for name in ("lambda_resnet50", f"lambda_resnet50:{options}"))
    assert part_key(plain) != part_key(changed)
    assert describe_part(plain) != describe_part(changed)


def test_blocks_with_the_same_work_share_a_key():
    assert part_key(part("resnet50", "c2.2")) == part_key(part("resnet50", "c2.3"))
    assert part_key(part("resnet50", "c2.2")) == part_key(part("lambda_resnet50:stages=CLLL", "c2.2"))
    assert part_key(part("resnet50", "c4.1")) == part_key(part("lambda_resnet101:stages=LLCL,pool=first", "c4.1"))
    assert part_key(part("resnet50", "c3.1")) == part_key(part("resnet50:shortcut_bias=yes", "c3.1"))


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("resnet50", "stem", "stem 7x7 @224"),
        ("resnet50", "c4.1", "c4.first C @28"),
        ("lambda_resnet50:k=8,m=7,se=0.25", "c4.2", "c4 L k=8,m=7,se=0.25 @14"),
        ("lambda_resnet50:content=no", "c2.1", "c2.first L content=no @56"),
        ("resnet50:stages=CCCA", "c5.1", "c5.first A @14"),
        ("lambda_resnet50:stride=no,pool=first", "c4.1", "c4.first L stride=1,pool=3x3 @56"),
        ("resnet50", "head", "head 1000 @7"),
        ("mobilenet", "layer2", "layer2 @32"),
        ("efficientnet_b0", "stem", "stem @224"),
    ],
)
def test_parts_in_words(name, path, words):
    assert describe_part(part(name, path)) == words


@pytest.mark.parametrize("name", ["lambda_resnet50", "lambda_mobilenet", "efficientnet_b0"])
def test_every_part_of_every_family_has_a_key(name):
    parts = list(parse(name).parts())
    assert len({part_key(each) for each in parts}) > len(parts) / 3
