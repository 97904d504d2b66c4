"""Cells of two objectives: the least first objective that networks reach in each, and what is wanted there.

The edges of cells are at equal ratios, PART of the tolerance apart. A network has a substitute if one is no more than
the tolerance above the lower edges of its cell in these two, and above a lower bound of its own in the first objective.
So whether all networks of a space have one is a question to each cell.
"""

from collections.abc import Callable

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices, Mask, Rows

PART = 0.5
"""The width of a cell, as a part of the tolerance."""
MANY = 2_000_000
"""Networks that are not the best of a cell any more are forgotten when there are so many."""
STRIDES = (8, 4, 2, 1)
"""Members are chosen for every so many cells first: they may do for those between."""
ROUNDING = 1e-9


def number_of_cells(low: Floats, high: Floats, tolerance: float, limits: Floats) -> Floats:
    """Return how many cells there are in each of the others: see :class:`Cells`.

    The tolerance above the lower edge of the last is no more than the limit, nor than that above ``high``.
    """
    most = np.minimum(limits, allowed(high, tolerance))
    spare = np.log(np.maximum(most[1:] / low[1:], np.finfo(float).tiny)) / _steps(low, tolerance) - 1 / PART
    return np.asarray(np.maximum(np.floor(spare + ROUNDING) + 1, 0.0))


def allowed(values: Floats, tolerance: float) -> Floats:
    """Return values with the tolerance added."""
    return np.asarray(values + tolerance * np.abs(values))


def _steps(low: Floats, tolerance: float) -> Floats:
    return np.asarray(np.log1p(np.sign(low[1:]) * tolerance) * PART)


class Cells:
    """Cells between ``low`` and ``high``, three objectives each, of which none changes its sign: the first, the others.

    ``limits``: what no member may exceed. Only networks that keep them with the tolerance to spare need a substitute.
    ``columns``: the length of a record, which says which network something is.
    """

    def __init__(self, low: Floats, high: Floats, tolerance: float, limits: Floats, columns: int) -> None:
        self.tolerance, self.limits = tolerance, limits
        self.low, self.steps = low[1:], _steps(low, tolerance)
        one, other = number_of_cells(low, high, tolerance, limits)
        self.shape = (int(one), int(other))
        self.edges = [
            start * np.exp(step * np.arange(number + 1))
            for start, step, number in zip(self.low, self.steps, self.shape, strict=True)
        ]
        self.reached = np.full(self.shape, np.inf)
        self.wanted = np.full(self.shape, np.inf)
        # of every cell, the network for which it is the first
        self._least, self._network = self.reached.copy(), np.full(self.shape, -1)
        self._totals, self._records = np.empty((0, 3)), np.empty((0, columns), np.int32)
        self._new: list[tuple[Floats, Indices]] = []
        self._count = 0
        self._chosen = self.reached.copy()

    def allowed(self, values: Floats) -> Floats:
        """Return values with the tolerance added."""
        return allowed(values, self.tolerance)

    def upper(self, i: Rows, j: Rows) -> Floats:
        """Return the upper edges of cells (n x 2)."""
        return np.stack([self.edges[0][i + 1], self.edges[1][j + 1]], axis=-1)

    def of(self, values: Floats, column: int) -> Rows:
        """Return the cells in which values of one of the others (0 or 1) are."""
        at = np.floor(np.log(values / self.low[column]) / self.steps[column] + ROUNDING)
        return np.asarray(np.clip(at, 0, self.shape[column] - 1), np.intp)

    def offer(self, totals: Floats, records: Callable[[Rows], Indices]) -> None:
        """Take networks (n x 3) where they are better, to be reached after :meth:`settle`.

        ``records`` returns what says which networks some rows are.
        """
        at = np.log(totals[:, 1:] / self.low) / self.steps - 1 / PART
        cells = np.maximum(np.ceil(at - ROUNDING), 0).astype(np.intp)
        rows = np.flatnonzero((cells < self.shape).all(axis=1) & (totals <= self.limits).all(axis=1))
        flat = cells[rows, 0] * self.shape[1] + cells[rows, 1]
        better = totals[rows, 0] < self.reached.reshape(-1)[flat]
        rows, flat = rows[better], flat[better]
        np.minimum.at(self._least.reshape(-1), flat, totals[rows, 0])
        best = totals[rows, 0] == self._least.reshape(-1)[flat]
        rows, flat = rows[best], flat[best]
        self._network.reshape(-1)[flat] = self._count + np.arange(len(rows))
        self._count += len(rows)
        self._new.append((totals[rows], records(rows)))

    def settle(self) -> None:
        """Let what was offered be reached."""
        self.reached = _least_before(self._least)
        if self._count > MANY:
            self._forget()

    def want(self, i: Rows, j: Rows, bounds: Floats) -> None:
        """Note lower bounds of the first objective of networks in cells."""
        np.minimum.at(self.wanted, (i, j), self.allowed(bounds))

    def is_open(self, i: Rows, j: Rows, bounds: Floats) -> Mask:
        """Return in which cells networks with these bounds may lack a substitute."""
        due = self.allowed(bounds)
        return np.asarray((due <= self.limits[0]) & (self.reached[i, j] > due + ROUNDING * np.abs(due)))

    def covered_from(self, i: Rows, j: Rows) -> Floats:
        """Return the least first objective that networks in cells have a substitute with."""
        reached = self.reached[i, j]
        return np.asarray(reached / (1 + self.tolerance * np.sign(reached)))

    def choose(self) -> Indices:
        """Return the records of networks that do in every cell, beside those that were chosen before.

        They are as good as wanted, or as any known one.
        """
        self._forget()
        enough = np.maximum(self.wanted, self.reached)
        number = len(self._totals)
        order = np.argsort(self._totals[:, 0], kind="stable")
        rank = np.append(np.argsort(order), number)  # the last is that of cells without a network, -1
        ranks = rank[self._network]
        i, j = (np.empty(number, np.intp) for _ in range(2))
        i[ranks[ranks < number]], j[ranks[ranks < number]] = np.nonzero(ranks < number)
        best = _least_before(ranks)
        chosen = np.zeros(number, np.bool_)
        least = self._chosen
        for stride in STRIDES:
            for start in np.ndindex(2, 2):
                every = tuple(slice(at * stride // 2, None, stride) for at in start)
                rows = np.unique(best[every][_least_before(least)[every] > enough[every]])
                rows = rows[rows < number]
                chosen[rows] = True
                least[i[rows], j[rows]] = self._totals[order[rows], 0]
        return self._records[order[chosen]]

    def _forget(self) -> None:
        """Keep only networks that are the best of some cell."""
        totals = np.concatenate([self._totals, *(totals for totals, _ in self._new)])
        records = np.concatenate([self._records, *(new for _, new in self._new)])
        worse = self._least > self.reached
        self._least[worse], self._network[worse] = np.inf, -1
        kept = self._network >= 0
        rows = self._network[kept]
        self._network[kept] = np.arange(len(rows))
        self._totals, self._records = totals[rows], records[rows]
        self._new, self._count = [], len(rows)


def _least_before(values: Floats) -> Floats:
    """Return the least value of each cell and all before it in both columns."""
    return np.minimum.accumulate(np.minimum.accumulate(values, axis=0), axis=1)
