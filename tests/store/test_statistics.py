import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.store.statistics import round_ratios, summarize

positive = st.floats(1e-6, 1e3)


@given(st.lists(positive, min_size=2, max_size=50))
def test_quartiles_are_numpys(samples):
    import numpy as np

    summary = summarize(samples)
    assert [summary.q1, summary.median, summary.q3] == pytest.approx(np.percentile(samples, [25, 50, 75]).tolist())
    assert summary.samples == len(samples)


def test_one_sample_has_no_spread_and_none_no_summary():
    assert summarize([2.0]).spread == 0
    with pytest.raises(ValueError, match="no samples"):
        summarize([])


@given(st.lists(st.tuples(st.integers(1, 9), positive), min_size=1, max_size=9), st.floats(0.1, 10))
def test_drift_cancels_in_ratios_by_round(rounds, ratio):
    """Whatever the machine's speed in a round, the ratio of that round is the same."""
    baseline = {number: [speed] for number, speed in rounds}
    ours = {number: [speed * ratio] * 3 for number, (speed,) in baseline.items()}
    assert round_ratios(ours, baseline) == pytest.approx([ratio] * len(baseline))


def test_ratios_use_common_rounds_only():
    assert round_ratios({1: [2.0], 3: [9.0]}, {1: [1.0], 2: [1.0]}) == [2.0]
    assert round_ratios({1: [1.0]}, {2: [1.0]}) == []


@given(st.lists(positive, min_size=2, max_size=30))
def test_spread_is_the_interquartile_range_over_the_median(samples):
    quartiles = statistics.quantiles(samples, n=4, method="inclusive")
    assert summarize(samples).spread == pytest.approx((quartiles[2] - quartiles[0]) / quartiles[1])
