"""The comparison layers in three counters, and the figures of their own papers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_arch.arch import ArchitectureError, configure, parse, read_settings
from lambda_arch.costs import count, count_by_torch, count_many, verify

NAMES = [
    "resnet18:stages=GGGG@64",
    "resnet18:stages=XXXX@64",
    "resnet18:stages=SSSS@64",
    "resnet18:stages=AAAA@64",
    "resnet18:stages=DDDD@64",
    "resnet50:stages=C-XXSL-CADLCC-G,c3.heads=4,extent=9,se=0.25@75",
    "resnet18:stages=AAGX,downsample=yes,kappa=0.7,upsilon=0.5@75",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_three_counters_agree_to_the_unit(name):
    assert verify(parse(name)).disagreements == ()


@pytest.mark.slow
@settings(max_examples=8)
@given(st.text("CLGXSAD", min_size=8, max_size=8), st.sampled_from([2, 8]), st.booleans(), st.integers(32, 70))
def test_closed_form_agrees_with_torch_row_by_row(letters, heads, downsample, size):
    # settings of layers that the network lacks change nothing here; in a name they are refused
    options = f"stages={letters},heads={heads},downsample={'yes' if downsample else 'no'},m=3"
    architecture = configure(parse("resnet18"), read_settings(options), size)
    ours = {row.path: (row.shape, row.params, row.macs) for row in count(architecture).rows}
    theirs = {row.path: (row.shape, row.params, row.macs) for row in count_by_torch(architecture).ledger.rows}
    assert ours == theirs


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("resnet50:stages=CAAA,c3.downsample=yes", "25.8"),  # Bello et al. 2019, AA-ResNet-50, -101, -152
        ("resnet101:stages=CAAA,c3.downsample=yes", "45.4"),
        ("resnet152:stages=CAAA,c3.downsample=yes", "61.6"),
        ("resnet50:stages=SSSS", "18.0"),  # Ramachandran et al. 2019, convolutional stem
        ("resnet50:stages=CCCG", "20.8"),  # Srinivas et al. 2021, BoT50
    ],
)
def test_published_parameters(name, millions):
    assert f"{count(parse(name)).params / 1e6:.1f}" == millions


def test_double_attention_prints_as_33_only_with_running_statistics():
    ledger = count(parse("resnet50:stages=C-CDCD-CDCDCD-C"))
    statistics = sum(row.params for row in ledger.rows if row.kind == "norm")  # as many as scales and shifts
    assert f"{ledger.params / 1e6:.1f}" == "32.9"
    assert f"{(ledger.params + statistics) / 1e6:.1f}" == "33.0"


def test_heads_do_not_change_the_projections():
    for pattern in ("GGGG", "XXXX"):
        rows = {h: count(parse(f"resnet50:stages={pattern},heads={h}")).rows for h in (1, 8)}
        assert sum(r.macs for r in rows[1]) == sum(r.macs for r in rows[8])
        assert [r for r in rows[1] if r.kind == "conv"] == [r for r in rows[8] if r.kind == "conv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"base": "resnet50:stages=CCGG", "k": [8]}, "resnet50:stages=CCGG: expected only C and L layers"),
        ({"stages": ["CCLL", "CCLS"]}, "stages=CCLS: expected only C and L layers"),
        ({"stages": "C-C-CCDCCC-L"}, "stages=C-C-CCDCCC-L: expected only C and L layers"),
    ],
)
def test_count_many_refuses_what_it_cannot_count(arguments, message):
    with pytest.raises(ArchitectureError) as error:
        count_many(**arguments)
    assert message in str(error.value) and "\n" not in str(error.value)
