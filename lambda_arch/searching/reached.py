"""What sums reach already: a table that says at once that a sum has nothing new."""

import numpy as np

from lambda_arch.searching.arrays import Floats, Mask, Rows
from lambda_arch.searching.lattice import Lattice

PLACES = 2**20
"""The most places of a table."""
PER_INTERVAL = 4
"""Places of an interval of a metric whose intervals are equally wide, if there are enough."""


class Reached:
    """For every place of a grid over all metrics but one, the least of that one that is reached at or below it.

    A point is covered if some added point is in no higher interval of ``lattice`` in any metric, and, in the column
    ``apart``, in the same or the next lower one. The grid has equal steps, so that the place of a sum is that of one
    part plus that of the other, rounded down: what is called covered is, and of what is not, some may be. Maxima have
    one place for each interval. Only the metrics of the lattice matter; points may have more, after them.
    """

    def __init__(self, lattice: Lattice, low: Floats, high: Floats, is_maximum: Mask, apart: int | None = None) -> None:
        self.lattice, self.is_maximum, self.apart = lattice, is_maximum, apart
        metrics = range(len(lattice.low))
        count = [float(lattice.interval(high[i], i) - lattice.interval(low[i], i)) + 1 for i in metrics]
        self.scanned = max(metrics, key=lambda i: (not is_maximum[i], i != apart, count[i]))
        self.columns = sorted((i for i in metrics if i != self.scanned), key=lambda i: (i != apart, count[i]))
        per = [PER_INTERVAL if lattice.slope[i] == 0 and not is_maximum[i] else 1 for i in self.columns]
        places = [count[i] * each for i, each in zip(self.columns, per, strict=True)]
        while np.prod(places) > PLACES:
            worth = [
                0 if is_maximum[i] or (i == apart and places[k] <= count[i]) else places[k] / per[k]
                for k, i in enumerate(self.columns)
            ]
            if not any(worth):
                break
            places[int(np.argmax(worth))] /= 2
        self.low, self.steps, self.edges = [], [], []
        for i, number in zip(self.columns, places, strict=True):
            if is_maximum[i]:
                self.edges.append(lattice.interval(low[i], i) + np.arange(count[i] + 1))
                step = 1.0
            else:
                step = lattice.width(i) * count[i] / number if lattice.slope[i] == 0 else (high[i] - low[i]) / number
                step = step if step > 0 else 1.0
                starts = low[i] + step * (np.arange((high[i] - low[i]) // step + 3) + 1e-7)
                self.edges.append(lattice.interval(starts, i))
            self.steps.append(step)
            self.low.append(low[i])
        self.per_interval = max(1, round(places[0] / count[apart])) if apart is not None else 0
        self.shape = tuple(len(each) for each in self.edges)
        self.strides = [int(np.prod(self.shape[k + 1 :])) for k in range(len(self.shape))]
        self.table = np.full(self.shape or (1,), np.inf)
        self.flat = self.table.reshape(-1)
        self.own = np.zeros(len(self.flat), np.int32)
        self.points = [np.array([np.inf]) for _ in metrics]
        self.least = low

    def places(self, totals: Floats, low: Floats) -> list[Rows]:
        """Return the place of every row in each gridded column, rounded down; sums count from ``low``."""
        found = []
        for k, i in enumerate(self.columns):
            if self.is_maximum[i]:
                place = np.searchsorted(self.edges[k], self.lattice.interval(totals[:, i], i), side="right") - 1
            else:
                place = ((totals[:, i] - low[i]) / self.steps[k] - 1e-6).astype(np.int64)
            found.append(np.clip(place, 0, self.shape[k] - 1))
        return found

    def is_new(self, totals: Floats, low: Floats) -> Mask:
        """Return which rows are not covered, as far as the table can tell; sums count from ``low``."""
        at = self._at(totals, low)
        is_new = totals[:, self.scanned] < self.flat[at]
        own = self.own[at]
        seen = is_new.copy()
        # a table has no place for what differs by less than a step: equal sums of other parts, above all
        for i in range(len(self.lattice.low)):
            seen &= self.points[i][own] <= totals[:, i] + 1e-12 * np.abs(totals[:, i])
        return np.asarray(is_new & ~seen)

    def _at(self, totals: Floats, low: Floats) -> Rows:
        at = np.zeros(len(totals), np.int64)
        for place, stride in zip(self.places(totals, low), self.strides, strict=True):
            at += place * stride
        return at

    def add(self, totals: Floats) -> None:
        """Let ``totals`` be reached."""
        order = np.argsort(-totals[:, self.scanned])
        self.own[self._at(totals[order], self.least)] = len(self.points[0]) + order
        self.points = [np.concatenate([each, totals[:, i]]) for i, each in enumerate(self.points)]
        at = np.zeros(len(totals), np.int64)
        inside = np.ones(len(totals), np.bool_)
        for k, i in enumerate(self.columns):
            place = np.searchsorted(self.edges[k], self.lattice.interval(totals[:, i], i))
            inside &= place < self.shape[k]
            at += place * self.strides[k]
        scanned = self.lattice.interval(totals[inside, self.scanned], self.scanned)
        np.minimum.at(self.flat, at[inside], self.lattice.least(scanned, self.scanned))
        for axis in range(len(self.shape) - 1):  # by whole rows, which is much faster than accumulate
            rows = np.moveaxis(self.table, axis, 0)
            for n in range(1, len(rows)):
                if axis or self.apart is None or n % self.per_interval:
                    np.minimum(rows[n], rows[n - 1], out=rows[n])
        if self.shape and (len(self.shape) > 1 or self.apart is None):
            np.minimum.accumulate(self.table, axis=-1, out=self.table)
