from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambda_arch.arch import ArchitectureError, configure, parse, read_settings
from lambda_arch.costs import count, count_many
from lambda_arch.costs import many as module
from tests.strategies import resnets

COSTS = ("params", "macs", "flops", "fvcore_flops", "activations")


def one_by_one(base, k, h, u, m, stages, size):
    text = f"stages={stages},k={k},h={h},u={u},m={m or 'global'}"
    return count(configure(parse(base), read_settings(text), size))


@hypothesis_settings(max_examples=30)
@given(
    st.sampled_from(
        [
            "lambda_resnet50",
            "lambda_resnet38:stem=rs,se=0.25,lambda_bias=yes",
            "lambda_resnet26:content=no",
            "lambda_resnet26:pool=first,stride=no",
            "lambda_resnet26:stem=tiered,pool=2x2,activation=silu",
        ]
    ),
    st.data(),
)
def test_many_at_once_are_as_one_by_one(base, data):
    blocks = [len(stage) for stage in parse(base).stages]
    number = data.draw(st.integers(1, 8))
    draw = {
        "k": st.integers(1, 40),
        "h": st.sampled_from([1, 2, 4, 8, 16, 32, 64]),
        "u": st.integers(1, 8),
        "m": st.sampled_from([0, 1, 7, 23, 31]),
        "image_size": st.integers(32, 400),
    }
    values = {name: np.array(data.draw(st.lists(one, min_size=number, max_size=number))) for name, one in draw.items()}
    length = data.draw(st.sampled_from([4, sum(blocks)]))
    letters = st.text("CL", min_size=length, max_size=length)
    stages = data.draw(st.lists(letters, min_size=number, max_size=number))
    counts = count_many(base, stages=np.array(stages), **values)
    for i in range(number):
        k, h, u, m, size = (int(values[name][i]) for name in draw)
        ledger = one_by_one(base, k, h, u, m, stages[i], size)
        assert [int(getattr(counts, cost)[i]) for cost in COSTS] == [getattr(ledger, cost) for cost in COSTS]


@pytest.mark.slow
@hypothesis_settings(max_examples=50)
@given(resnets())
def test_what_is_not_given_stays_as_in_the_base(architecture):
    architecture = replace(architecture, shared_embeddings=False)
    counts = count_many(architecture)
    ledger = count(architecture)
    assert [int(getattr(counts, cost)) for cost in COSTS] == [getattr(ledger, cost) for cost in COSTS]


def test_settings_broadcast():
    counts = count_many(k=np.array([[4], [8], [16]]), m=np.array([7, 0]))
    assert counts.macs.shape == (3, 2)
    assert counts.params[2, 0] == count(parse("lambda_resnet50:m=7")).params
    assert counts.macs[0, 1] == count(parse("lambda_resnet50:k=4,m=global")).macs


def test_patterns_in_every_form_agree():
    texts = ["CCLL", "C-C-CCLCCL-L", "C-C-2-L", "LCCL"]
    per_block = np.array([[True] * 16, [False] * 16])
    by_text = count_many(stages=texts)
    assert by_text.params.tolist() == [count(parse(f"lambda_resnet50:stages={text}")).params for text in texts]
    assert count_many(stages=per_block).params.tolist() == [
        count(parse(name)).params for name in ("lambda_resnet50", "resnet50")
    ]
    per_stage = np.array([[False, False, True, True]])
    assert count_many(stages=per_stage).macs.tolist() == count_many(stages=["CCLL"]).macs.tolist()


def test_chunks_do_not_show(monkeypatch):
    k = np.arange(1, 30)
    whole = count_many(k=k, stages=["CCLL"] * 29)
    monkeypatch.setattr(module, "CHUNK", 7)
    assert count_many(k=k, stages=["CCLL"] * 29).macs.tolist() == whole.macs.tolist()


def test_a_thousand_billion_macs_do_not_overflow():
    counts = count_many("lambda_resnet420", k=64, u=8, h=1, m=0, image_size=640)
    assert int(counts.macs) == count(parse("lambda_resnet420:k=64,u=8,h=1,m=global@640")).macs > 10**13


def test_nothing_gives_nothing():
    assert count_many(k=np.array([], int)).params.shape == (0,)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"k": [4, 0]}, "k=0"),
        ({"k": [4.5]}, "k=4.5"),
        ({"k": [4, 8], "m": [7, 23, 0]}, "k of 2, m of 3 values: expected as many of each"),
        ({"m": [23, 22]}, "m=22"),
        ({"m": [-1]}, "m=-1"),
        ({"h": [4, 3]}, "h=3.*64 channels of c2"),
        ({"image_size": [16]}, "image_size=16"),
        ({"stages": ["CCZL"]}, "Z"),
        ({"stages": np.zeros((2, 5), bool)}, "last axis of 4"),
        ({"stages": [1, 2]}, "patterns such as CCLL"),
    ],
)
def test_what_cannot_be_built_is_refused(settings, says):
    with pytest.raises(ArchitectureError, match=says):
        count_many(**settings)


def test_shared_embeddings_are_counted_one_at_a_time():
    with pytest.raises(ArchitectureError, match="shared_embeddings"):
        count_many("lambda_resnet50:shared_embeddings=yes", k=[4])


@pytest.mark.parametrize(
    ("base", "settings", "says"),
    [
        ("lambda_resnet50:stages=CCCL,h=128", {"stages": ["LLLL"]}, "h=128: expected heads that divide the 64 channel"),
        ("lambda_resnet50:stages=CCCL,h=256", {"stages": ["CCCL", "CCLL", "CLLL"]}, "h=256: .*the 128 channels of c3"),
        ("lambda_resnet50", {"k": 10**9, "u": 10**9}, "k=1000000000,u=1000000000: costs beyond"),
        ("lambda_resnet50", {"k": [16, 10**18]}, f"k={10**18}: costs beyond"),
        ("lambda_resnet50", {"k": [16, 10**18], "stages": ["CCCC", "CCCL"]}, f"k={10**18}: costs beyond"),
        ("lambda_resnet50:k=1000000000,u=1000000000", {}, "lambda_resnet50:k=1000000000,u=1000000000: costs beyond"),
        ("lambda_resnet50", {"image_size": 2**40}, f"image_size={2**40}: costs beyond"),
        ("lambda_resnet50", {"m": 0, "image_size": 10**7}, "image_size=10000000: costs beyond"),
        ("lambda_resnet18@64", {"k": [16] * 9000 + [10**18]}, f"k={10**18}: costs beyond"),
        ("lambda_resnet50", {"k": np.array([2**64 - 1], np.uint64)}, f"k={2**64 - 1}"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_or_held_is_refused_whatever_its_array(base, settings, says):
    with pytest.raises(ArchitectureError, match=says) as refusal:
        count_many(base, **settings)
    assert "\n" not in str(refusal.value)


@hypothesis_settings(max_examples=30)
@given(st.integers(1, 10**7), st.sampled_from([1, 8, 64]), st.integers(1, 10**7), st.sampled_from([0, 1, 23, 9999]))
def test_large_counts_are_exact_or_refused(k, h, u, m):
    ledger = one_by_one("lambda_resnet18", k, h, u, m, "LCCL", 64)
    if max(ledger.flops, ledger.params, ledger.fvcore_flops, ledger.activations) < 2**63:
        counts = count_many("lambda_resnet18@64", k=[k, 1], h=h, u=u, m=m, stages="LCCL")
        assert [int(getattr(counts, cost)[0]) for cost in COSTS] == [getattr(ledger, cost) for cost in COSTS]
    else:
        with pytest.raises(ArchitectureError, match="costs beyond"):
            count_many("lambda_resnet18@64", k=[1, k], h=h, u=u, m=m, stages="LCCL")


def test_settings_of_networks_without_lambda_layers_cost_nothing():
    assert count_many(k=[10**18], stages=["CCCC"]).params.tolist() == [count(parse("resnet50")).params]


def test_heads_matter_only_where_there_are_lambda_layers():
    counts = count_many(h=[128], stages=["CCLL"])
    assert counts.params.tolist() == [count(parse("lambda_resnet50:stages=CCLL,h=128")).params]
