"""The three books agree to the unit, row by row."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from lambda_arch.arch import ResNet, all_named, configure, parse
from lambda_arch.comparing import compare
from lambda_arch.costs import books, count, torch_book, verify
from tests.strategies import resnets

# `lambda-arch tables --verify` counts every published row at its own size. Here ResNets of up to 50 layers have theirs,
# all others small images; those of 200 layers and more, which take fvcore ten seconds, are counted once where they
# differ by a bias, a pool or their classes alone, and by torch's counter; fvcore counts one of them.
SMALL, MIDDLE, DEEP = 32, 50, 200


def is_deep(architecture):
    return isinstance(architecture, ResNet) and architecture.depth >= DEEP


def alike(architecture):
    return (architecture.depth, architecture.stages, architecture.stem, architecture.stride)


NAMED = [configure(parse(entry.name), [], SMALL) for entry in all_named()]
PUBLISHED = compare().architectures()
SHALLOW = [
    each if isinstance(each, ResNet) and each.depth <= MIDDLE else configure(each, [], SMALL)
    for each in [*NAMED, *PUBLISHED]
    if not is_deep(each)
]
DEEP_ONES = {alike(each): configure(each, [], SMALL) for each in [*NAMED, *PUBLISHED] if is_deep(each)}
ONE_DEEP = next(each for each in DEEP_ONES.values() if each.depth == DEEP)


def assert_torch_counts_the_same(architecture):
    ours = {row.path: row for row in count(architecture).rows}
    theirs = {row.path: row for row in torch_book(architecture).ledger.rows}
    assert ours.keys() == theirs.keys()
    for path, row in ours.items():
        assert (row.kind, row.shape, row.params, row.macs) == (
            theirs[path].kind, theirs[path].shape, theirs[path].params, theirs[path].macs,
        ), path  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [*dict.fromkeys(SHALLOW), ONE_DEEP], ids=str)
def test_named_and_published_architectures(architecture):
    assert verify(architecture).disagreements == ()


@pytest.mark.slow
@pytest.mark.parametrize("architecture", DEEP_ONES.values(), ids=str)
def test_deep_ones(architecture):
    assert_torch_counts_the_same(architecture)


@pytest.mark.slow
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(resnets(depths=(18,), max_size=48, small=True))
def test_random_architectures(architecture):
    assert verify(architecture).disagreements == ()


@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(resnets(depths=(18,), max_size=160))
def test_random_architectures_on_meta(architecture):
    assert_torch_counts_the_same(architecture)


def test_a_wrong_formula_is_caught_and_named(monkeypatch):
    def wrong(architecture):
        ledger = count(architecture)
        rows = [row._replace(macs=row.macs + 1) if row.path == "c3.1.spatial.conv" else row for row in ledger.rows]
        return type(ledger)(ledger.architecture, ledger.image_size, tuple(rows[:-1]))

    monkeypatch.setattr(books, "count", wrong)
    disagreements = verify(parse("resnet18@32")).disagreements
    assert any("c3.1.spatial.conv: macs" in line and "fvcore" in line for line in disagreements)
    assert any("c3.1.spatial.conv: macs" in line and "torch" in line for line in disagreements)
    assert any("head.fc: only in fvcore" in line for line in disagreements)


def test_what_is_counted_as_zero_is_listed():
    verification = verify(parse("lambda_resnet18:se=0.25@32"))
    zero = {book.name: set(book.zero) for book in verification.books}
    assert {"aten::softmax", "aten::avg_pool2d", "aten::max_pool2d", "aten::sigmoid", "aten::add"} <= zero["fvcore"]
    assert {"aten::_softmax", "aten::avg_pool2d", "aten::relu_", "aten::add"} <= zero["torch"]
    assert not {"aten::conv2d", "aten::convolution", "aten::bmm", "aten::mm"} & (zero["fvcore"] | zero["torch"])
