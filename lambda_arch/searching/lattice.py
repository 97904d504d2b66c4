"""A lattice over metrics: intervals so narrow that any two values of one differ by no more than may be lost."""

from dataclasses import dataclass

import numpy as np

from lambda_arch.searching.arrays import Floats

NARROWEST = 1e-12
"""The width of intervals of a metric in which nothing may be lost, as a share of its values."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Intervals of every metric from ``low`` on; below it all values are in interval 0.

    That of a value x is at most ``share * (slope * x + constant)`` wide: equal widths where the slope is 0, else
    geometric ones.
    """

    low: Floats
    share: Floats
    slope: Floats
    constant: Floats

    def interval(self, values: Floats, column: int) -> Floats:
        """Return the numbers of the intervals of one metric's values."""
        low, slope = self.low[column], self.slope[column]
        first = slope * low + self.constant[column]
        values = np.maximum(values, low)
        if self.share[column] * first <= NARROWEST * abs(low):
            return np.asarray(np.floor((values - low) / (NARROWEST * max(abs(low), 1e-300))))
        if slope == 0:
            return np.asarray(np.floor((values - low) / (self.share[column] * first)))
        ratio = 1 + slope / first * (values - low)
        return np.asarray(np.floor(np.log(ratio) / np.log1p(self.share[column] * slope)))

    def first(self, columns: int) -> "Lattice":
        """Return that of the first metrics."""
        return Lattice(self.low[:columns], self.share[:columns], self.slope[:columns], self.constant[:columns])

    def intervals(self, totals: Floats) -> Floats:
        """Return the numbers of the intervals, of the shape of ``totals``."""
        return np.stack([self.interval(totals[..., i], i) for i in range(totals.shape[-1])], axis=-1)

    def least(self, intervals: Floats, column: int) -> Floats:
        """Return a value such that no larger one is in a lower interval than the one given."""
        low, slope = self.low[column], self.slope[column]
        first = slope * low + self.constant[column]
        if slope == 0 or self.share[column] * first <= NARROWEST * abs(low):
            more = intervals * self.width(column)
        else:
            more = first / slope * np.expm1(intervals * np.log1p(self.share[column] * slope))
        return np.asarray(low + more + 1e-11 * (np.abs(more) + abs(low)))

    def width(self, column: int) -> float:
        """Return the width of the first interval of a metric."""
        low = self.low[column]
        first = float(self.share[column] * (self.slope[column] * low + self.constant[column]))
        return max(first, NARROWEST * max(abs(float(low)), 1e-300))
