from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.comparing import AGREES, DIFFERS, TRUNCATED, judge


@pytest.mark.parametrize(
    ("printed", "unit", "ours", "verdict"),
    [
        ("15.0", "M", 14_995_592, AGREES),
        ("14.9", "M", 14_995_592, TRUNCATED),
        ("15", "M", 14_995_592, AGREES),
        ("14", "M", 14_995_592, TRUNCATED),
        ("14.995", "M", 14_995_848, TRUNCATED),
        ("14.996", "M", 14_995_848, AGREES),
        ("6.576", "G", 6_575_505_408, AGREES),
        ("3.30", "M", 3_309_476, TRUNCATED),
        ("3.3", "M", 3_309_476, AGREES),
        ("15.6", "M", 14_904_192, DIFFERS),
        ("15.05", "M", 15_050_000, AGREES),
        ("15.1", "M", 15_050_000, AGREES),  # a half may be rounded either way
        ("15.0", "M", 15_050_000, AGREES),
        ("15.0", "M", 15_050_001, TRUNCATED),
        ("15.0", "M", 15_100_000, DIFFERS),
        ("120", "", 120, AGREES),
    ],
)
def test_verdicts_know_how_many_digits_were_printed(printed, unit, ours, verdict):
    assert judge(printed, unit, ours)[0] == verdict


def test_cut_off_in_a_column_that_rounds_differs_by_one_digit():
    assert judge("15.7", "M", 15_764_440, rounds=True) == ("differs by one digit", Decimal("0.06444"))
    assert judge("15.8", "M", 15_764_440, rounds=True)[0] == AGREES
    assert judge("15.6", "M", 15_764_440, rounds=True)[0] == DIFFERS


@given(st.integers(0, 10**9), st.integers(0, 4))
def test_a_rounded_figure_agrees_and_a_cut_one_is_seen(ours, digits):
    exact = Decimal(ours).scaleb(-6)
    step = Decimal(1).scaleb(-digits)
    assert judge(str(exact.quantize(step)), "M", ours) == (AGREES, None)
    cut = exact.quantize(step, rounding="ROUND_DOWN")
    assert judge(str(cut), "M", ours)[0] in (AGREES, TRUNCATED)


@given(st.integers(0, 10**9), st.integers(0, 4), st.integers(2, 50))
def test_what_is_off_by_more_than_a_digit_differs_by_as_much(ours, digits, steps):
    step = Decimal(1).scaleb(-digits)
    printed = Decimal(ours).scaleb(-6).quantize(step) + steps * step
    verdict, difference = judge(str(printed), "M", ours)
    assert verdict == DIFFERS
    assert difference == Decimal(ours).scaleb(-6) - printed


def test_a_word_is_no_figure():
    with pytest.raises(ValueError, match="OOM"):
        judge("OOM", "M", 1)
