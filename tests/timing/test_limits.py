import pytest

from lambda_arch.errors import SetupError
from lambda_arch.timing import Limits


def test_enough_means_steady_samples_over_enough_rounds_or_no_more_time():
    limits = Limits(spread=0.05, seconds=10, min_rounds=5)
    steady, noisy = [1.0] * 20, [1.0, 2.0] * 10
    assert limits.enough(steady, rounds=5, spent=1)
    assert not limits.enough(steady, rounds=4, spent=1)
    assert not limits.enough([1.0] * 9, rounds=5, spent=1)
    assert not limits.enough(noisy, rounds=50, spent=9.9)
    assert limits.enough(noisy, rounds=3, spent=10)
    assert not limits.enough(noisy, rounds=2, spent=100)  # two rounds say nothing of spread


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"seconds": 0.0}, "seconds=0: expected a number over 0"),
        ({"spread": -1.0}, "spread=-1: expected"),
        ({"timeout": float("nan")}, "timeout=nan: expected"),
        ({"memory_limit": -1.0}, "memory_limit=-1: expected a number of GB"),
    ],
)
def test_limits_that_cannot_be_are_refused_by_name(wrong, words):
    with pytest.raises(SetupError, match=words):
        Limits.of(**{"seconds": 1.0, "spread": 0.05, "timeout": 9.0, "memory_limit": 0.0, **wrong})


def test_short_measurements_have_short_rounds_and_warm_ups():
    limits = Limits.of(seconds=1.0, spread=0.05, timeout=9.0, memory_limit=0.5)
    assert (limits.round_seconds, limits.warmup, limits.memory) == (0.2, 1.0, 500_000_000)
