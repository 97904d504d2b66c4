"""The paper's Tables 3 and 4 compared with our counts."""

import pytest

from lambda_arch.comparing import AGREES, DIFFERS, NOT_BUILDABLE, ONE_DIGIT, TRUNCATED, compare, judge


def verdicts(table, column):
    return {row.published.cells["layer"]: row.verdicts.get(column) for row in compare(table).rows}


def test_layer_comparison():
    params = verdicts("layer_comparison", "params")
    assert params["conv + relative self-attention (Bello 2019)"].verdict == AGREES
    assert params["local relative self-attention (Ramachandran 2019)"].verdict == AGREES
    chen = params["conv + linear attention (Chen 2018)"]
    assert (chen.verdict, chen.ours) == (DIFFERS, 32_897_064)
    assert "running statistics" in chen.reason
    assert params["local relative self-attention (Hu 2019)"].verdict == NOT_BUILDABLE


def test_layer_memory():
    memory = verdicts("layer_memory", "memory")
    assert memory["global self-attention"].verdict == AGREES
    assert memory["axial self-attention"].verdict == AGREES
    assert memory["lambda layer"].verdict == AGREES
    assert memory["lambda layer k=8"].verdict == ONE_DIGIT
    assert memory["local self-attention 7x7"] is None  # nothing is printed there


@pytest.mark.parametrize(
    ("printed", "unit", "ours", "digits", "verdict"),
    [
        ("120", "GiB", 123 * 2**30, 2, AGREES),
        ("120", "GiB", 123 * 2**30, None, DIFFERS),
        ("120", "GiB", 126 * 2**30, 2, TRUNCATED),
        ("120", "GiB", 131 * 2**30, 2, DIFFERS),
        ("4.8", "GiB", 48 * 2**30 // 10, 2, AGREES),
        ("4.85", "M", 4_810_000, 2, AGREES),
        ("0.95", "GiB", 2**30, 2, DIFFERS),
        ("2", "GiB", 5 * 2**29, None, AGREES),
        ("2", "G", 2_500_000_001, None, TRUNCATED),
    ],
)
def test_judging_significant_digits_and_binary_units(printed, unit, ours, digits, verdict):
    assert judge(printed, unit, ours, digits)[0] == verdict
