"""The closed form against formulas from the literature, and against published integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import Lambda, LambdaShape, Part, all_named, parse
from lambda_arch.costs import count
from lambda_arch.costs.lambda_layer import lambda_layer
from tests.strategies import resnets

# torchvision's documented parameter counts and GFLOPs (multiply-accumulates at 224x224)
TORCHVISION = [("resnet50", 25_557_032, 4.089), ("resnet101", 44_549_160, 7.801), ("resnet152", 60_192_808, 11.514)]


@pytest.mark.parametrize(("name", "params", "giga_macs"), TORCHVISION)
def test_plain_resnets_are_torchvisions(name, params, giga_macs):
    ledger = count(parse(name))
    assert ledger.params == params
    assert round(ledger.macs / 1e9, 3) == giga_macs


def test_the_headline():
    ledger = count(parse("lambda_resnet50"))
    assert ledger.params == 14_995_592
    assert ledger.macs == 6_575_505_408  # d-li14 prints 6.576 G
    assert ledger.flops == 2 * ledger.macs
    assert count(parse("lambda_resnet50:lambda_bias=yes")).params == 14_995_592 + 16 * 16


# the readings of the c4 study that reproduce its printed figures, in millions
@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("lambda_resnet101_hybrid", 36.87),
        ("lambda_resnet101_c4_all", 25.98),
        ("lambda_resnet152_hybrid", 51.40),
        ("lambda_resnet152_c4_all", 35.08),
        ("lambda_resnet200:stages=CCLL,stem=rs,c2.se=0.25,c3.se=0.25", 41.67),
        ("resnet101_rs_se", 63.62),
        ("resnet50:se=0.0625", 28.09),
    ],
)
def test_the_readings_of_the_paper(name, millions):
    assert round(count(parse(name)).params / 1e6, 2) == millions


@given(
    st.sampled_from([64, 128, 256, 512]), st.integers(1, 64), st.sampled_from([1, 2, 4, 8]), st.integers(1, 32),
    st.integers(1, 8), st.integers(0, 15).map(lambda r: 2 * r + 1),
)  # fmt: skip
def test_the_layer_costs_what_the_paper_says(dim, size, h, k, u, m):
    """Bello, ICLR 2021, Table 2: time Theta(b n k m v + ...), space of the embeddings k m; here m is m x m."""
    layer = Lambda(k=k, h=h, u=u, m=m)
    rows = list(lambda_layer(Part("layer", layer, dim, dim, size, size, shape=LambdaShape.of(layer, size))))
    n, v = size * size, dim // h
    assert sum(row.params for row in rows) == (
        dim * (h * k + k * u + v * u) + 2 * (h * k + v * u) + k * u * m * m
    )  # projections, norms of queries and values, embeddings
    assert sum(row.macs for row in rows) == n * (
        dim * (h * k + k * u + v * u) + k * v * u + k * u * m * m * v + 2 * h * k * v
    )  # projections, content lambdas, position lambdas, both applied


@pytest.mark.slow
@given(resnets())
def test_parts_add_up_and_flops_are_twice_the_macs(architecture):
    ledger = count(architecture)
    parts = ledger.by_part()
    assert tuple(parts) == ("stem", "c2", "c3", "c4", "c5", "head")
    for cost in ("params", "macs", "flops", "fvcore_flops", "activations"):
        assert sum(getattr(part, cost) for part in parts.values()) == getattr(ledger, cost)
    assert len({row.path for row in ledger.rows}) == len(ledger.rows)


@pytest.mark.slow
@given(resnets())
def test_params_do_not_know_the_image_size_unless_a_scope_is_global(architecture):
    larger = parse(f"{str(architecture).partition('@')[0]}@{architecture.image_size + 64}")
    layers = [block.layer for stage in architecture.stages for block in stage if isinstance(block.layer, Lambda)]
    if any(layer.m == "global" and layer.position for layer in layers):
        assert count(larger).params > count(architecture).params
    else:
        assert count(larger).params == count(architecture).params


@pytest.mark.parametrize("entry", list(all_named()), ids=lambda entry: entry.name)
def test_counts_are_plain_integers(entry):
    ledger = count(parse(entry.name))
    for row in ledger.rows:
        assert all(
            type(value) is int for value in (*row.shape, row.params, row.macs, row.fvcore_flops, row.activations)
        )


def test_ledgers_become_frames():
    frame = count(parse("lambda_resnet50")).to_frame()
    assert frame["macs"].sum() == 6_575_505_408
    assert (frame["flops"] == 2 * frame["macs"]).all()
