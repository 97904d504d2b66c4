"""Medians and quartiles of samples."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FEWEST_SAMPLES = 10
"""Samples before their spread says anything."""


@dataclass(frozen=True, slots=True)
class Summary:
    """``median`` and quartiles ``q1`` and ``q3`` of so many ``samples``, in their unit."""

    median: float
    q1: float
    q3: float
    samples: int

    @property
    def iqr(self) -> float:
        """The interquartile range."""
        return self.q3 - self.q1

    @property
    def spread(self) -> float:
        """The interquartile range as a share of the median."""
        return self.iqr / self.median if self.median else 0.0


def summarize(samples: Sequence[float]) -> Summary:
    """Return the summary of ``samples``; raises ValueError if there are none."""
    if not samples:
        raise ValueError("no samples to summarize")
    if len(samples) == 1:
        return Summary(samples[0], samples[0], samples[0], 1)
    q1, median, q3 = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(median, q1, q3, len(samples))


def round_ratios(ours: Mapping[int, Sequence[float]], baseline: Mapping[int, Sequence[float]]) -> list[float]:
    """Return the ratio of medians, ours over the baseline's, for each round in which both have samples."""
    return [
        statistics.median(ours[number]) / statistics.median(baseline[number])
        for number in sorted(ours.keys() & baseline.keys())
    ]
