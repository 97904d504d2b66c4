"""The three counters agree to the unit, row by row."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from lambda_arch.arch import parse
from lambda_arch.costs import agreement, count, count_by_torch, verify
from tests.networks import every_resnet
from tests.strategies import resnets


def assert_torch_counts_the_same(architecture):
    ours = {row.path: row for row in count(architecture).rows}
    theirs = {row.path: row for row in count_by_torch(architecture).ledger.rows}
    assert ours.keys() == theirs.keys()
    for path, row in ours.items():
        assert (row.kind, row.shape, row.params, row.macs) == (
            theirs[path].kind, theirs[path].shape, theirs[path].params, theirs[path].macs,
        ), path  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_named_and_published_architectures(part):
    assert len(every_resnet()) > 20
    for architecture in every_resnet()[part::4]:
        assert verify(architecture).disagreements == (), str(architecture)


@pytest.mark.slow
def test_a_deep_one():
    assert verify(parse("lambda_resnet101_hybrid@32")).disagreements == ()


@pytest.mark.slow
def test_the_deepest_one_by_torch():
    assert_torch_counts_the_same(parse("lambda_resnet420_hybrid@32"))


@pytest.mark.slow
@hypothesis_settings(max_examples=40)
@given(resnets())
def test_rows_of_like_blocks_repeat(architecture):
    ledger = count(architecture)
    for i, stage in enumerate(architecture.stages):
        rows = [
            [row[1:] for row in ledger.rows if row.path.startswith(f"c{i + 2}.{j + 1}.")] for j in range(len(stage))
        ]
        for j in range(2, len(stage)):
            if stage[j] == stage[1] and not architecture.shared_embeddings:
                assert rows[j] == rows[1]


@pytest.mark.slow
@hypothesis_settings(max_examples=8)
@given(resnets(depths=(18,), max_size=48, small=True))
def test_random_architectures(architecture):
    assert verify(architecture).disagreements == ()


@pytest.mark.slow
@hypothesis_settings(max_examples=15)
@given(resnets(depths=(18,), max_size=160))
def test_random_architectures_on_meta(architecture):
    assert_torch_counts_the_same(architecture)


def test_a_wrong_formula_is_caught_and_named(monkeypatch):
    def wrong(architecture, mode):
        ledger = count(architecture, mode=mode)
        rows = [row._replace(macs=row.macs + 1) if row.path == "c3.1.spatial.conv" else row for row in ledger.rows]
        return type(ledger)(ledger.architecture, ledger.image_size, tuple(rows[:-1]))

    monkeypatch.setattr(agreement, "count", wrong)
    disagreements = verify(parse("resnet18@32")).disagreements
    assert any("c3.1.spatial.conv: macs" in line and "fvcore" in line for line in disagreements)
    assert any("c3.1.spatial.conv: macs" in line and "torch" in line for line in disagreements)
    assert any("head.fc: only in fvcore" in line for line in disagreements)


@pytest.mark.slow
def test_what_is_counted_as_zero_is_listed():
    verification = verify(parse("lambda_resnet18:se=0.25@32"))
    zero = {other.name: set(other.zero) for other in verification.others}
    assert {"aten::softmax", "aten::avg_pool2d", "aten::max_pool2d", "aten::sigmoid", "aten::add"} <= zero["fvcore"]
    assert {"aten::_softmax", "aten::avg_pool2d", "aten::relu_", "aten::add"} <= zero["torch"]
    assert not {"aten::conv2d", "aten::convolution", "aten::bmm", "aten::mm"} & (zero["fvcore"] | zero["torch"])
