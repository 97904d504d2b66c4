"""The sums of two sets of points that are worth keeping, without looking at most of them.

Both sets are divided into tiles of near points, tiles of tiles, and so on. The least corner of two tiles together is no
worse than any sum of their points: if it is covered (see :mod:`~lambda_arch.searching.reached`), so are they all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lambda_arch.searching.arrays import Floats, Mask, Rows
from lambda_arch.searching.lattice import Lattice
from lambda_arch.searching.optimization import non_dominated
from lambda_arch.searching.reached import Reached

TILE = 8
"""Points of the smallest tile."""
FAN = 4
"""Tiles of a tile."""
FEW = 50_000
"""So many sums are looked at without tiles."""
CHUNK = 2**17
"""Sums or corners that are looked at together, few enough for a cache."""
WAITING = 50_000
"""So many new sums are kept before the table is brought up to date."""
PATIENCE = 2**21
"""After so many sums it is brought up to date anyway."""


@dataclass(frozen=True)
class Window:
    """Only pairs are summed whose values in ``column`` differ by at most ``most``.

    If ``apart``, the intervals of that column are kept apart: see :class:`~lambda_arch.searching.reached.Reached`.
    """

    column: int
    most: float
    apart: bool


@dataclass(frozen=True, eq=False)
class Sums:
    """Totals, and the rows of the two sets of which they are sums."""

    totals: Floats
    left: Rows
    right: Rows

    @classmethod
    def all(cls, some: "Sequence[Sums]") -> "Sums":
        """Return all of ``some``."""
        of = [(each.totals, each.left, each.right) for each in some]
        return cls(*(np.concatenate(each) for each in zip(*of, strict=True)))

    def rows(self, rows: Rows) -> "Sums":
        """Return some of them."""
        return Sums(self.totals[rows], self.left[rows], self.right[rows])


def combine(a: Floats, b: Floats, is_maximum: Mask) -> Floats:
    """Return the totals of two parts together; the last axis is that of metrics."""
    return np.where(is_maximum, np.maximum(a, b), a + b) if is_maximum.any() else a + b


def kept_sums(
    a: Floats,
    b: Floats,
    lattice: Lattice,
    is_maximum: Mask,
    *,
    limits: Floats | None = None,
    known: Floats | None = None,
    window: Window | None = None,
) -> Sums:
    """Return sums of rows of ``a`` and ``b`` that cover every sum within ``limits`` that no ``known`` one covers."""
    if not len(a) or not len(b):
        return Sums(a[:0], *(np.empty((2, 0), np.int64)))
    merge = _Merge(a, b, lattice, is_maximum, limits, window)
    if len(a) * len(b) > FEW:
        return merge.run(known)
    i, j = (each.reshape(-1) for each in np.indices((len(a), len(b))))
    found = merge.least(Sums(combine(a[i], b[j], is_maximum), i, j), limits)
    if known is None or not len(found.totals):
        return found
    return found.rows(np.flatnonzero(merge.table(known).is_new(found.totals, merge.low)))


def least_of_groups(at: Floats, apart: int | None) -> Rows:
    """Return the rows that no other dominates that is equal in all columns but two, of which none is ``apart``."""
    if apart is not None and at.shape[1] == 2:
        at = np.column_stack([at, np.zeros(len(at))])
    least, most = (np.array([of(column, initial=0) for column in at.T]) for of in (np.min, np.max))
    # the two with the most values are not those of the groups
    columns = sorted(range(at.shape[1]), key=lambda i: (i != apart, most[i] - least[i]))
    sizes = most - least + 1
    if np.prod(sizes) < 2**62:
        key = np.zeros(len(at), np.int64)
        for i in columns:
            key = key * int(sizes[i]) + (at[:, i] - least[i]).astype(np.int64)
        order = np.argsort(key)
    else:
        order = np.lexsort([at[:, i] for i in reversed(columns)])
    at = at[order]
    is_first = np.zeros(len(at), np.bool_)
    is_first[:1] = True
    for i in columns[:-2]:
        is_first[1:] |= at[1:, i] != at[:-1, i]
    values = np.unique(at[:, columns[-1]], return_inverse=True)[1] if sizes[columns[-1]] > 2**40 else at[:, columns[-1]]
    shifted = values - np.cumsum(is_first) * (values.max(initial=0) - values.min(initial=0) + 1)
    before = np.minimum.accumulate(shifted)
    is_least = np.ones(len(at), np.bool_)
    is_least[1:] = shifted[1:] < before[:-1]
    return np.asarray(order[is_least])


class _Tiles:
    """Points in the order of their tiles, and on every level the least place and scanned value of each tile."""

    def __init__(self, totals: Floats, reached: Reached, window: Window | None) -> None:
        self.number = len(totals)
        columns = [*reached.columns, reached.scanned]
        slabs = max(1, round((len(totals) / TILE) ** 0.5))
        order = np.argsort(totals[:, columns[0]], kind="stable")
        slab = np.empty(len(totals), np.int64)
        slab[order] = np.arange(len(totals)) * slabs // len(totals)
        self.order = np.lexsort((totals[:, columns[min(1, len(columns) - 1)]], slab))
        self.totals = totals[self.order]
        padded = np.concatenate([self.order, np.full(-len(totals) % TILE, self.order[-1])])
        places = [place[padded] for place in reached.places(totals, totals.min(axis=0))]
        values = totals[padded, reached.scanned]
        spread = totals[padded, window.column] if window is not None else values
        levels = [(places, values, spread, spread)]
        while len(levels[-1][1]) > 16 or len(levels) < 2:
            places, values, low, high = levels[-1]
            starts = np.arange(0, len(values), TILE if len(levels) == 1 else FAN)
            least = [np.minimum.reduceat(each, starts) for each in (*places, values, low)]
            levels.append((least[:-2], least[-2], least[-1], np.maximum.reduceat(high, starts)))
        # the place of a sum is a sum of places, so they are numbers in the flat table; maxima are kept apart
        strides = np.array(reached.strides, np.int64)
        maximum = [bool(reached.is_maximum[i]) for i in reached.columns]
        self.keys, self.maxima = [], []
        for places, values, _, _ in levels:
            scaled = [place * stride for place, stride in zip(places, strides, strict=True)]
            key = np.zeros(len(values), np.int64)
            self.keys.append(sum((each for each, most in zip(scaled, maximum, strict=True) if not most), key))
            self.maxima.append([each for each, most in zip(scaled, maximum, strict=True) if most])
        self.values = [values for _, values, _, _ in levels]
        self.low, self.high = [low for _, _, low, _ in levels], [high for _, _, _, high in levels]
        self.sizes = [len(values) for values in self.values]


class _Merge:
    def __init__(
        self,
        a: Floats,
        b: Floats,
        lattice: Lattice,
        is_maximum: Mask,
        limits: Floats | None,
        window: Window | None,
    ) -> None:
        self.lattice, self.is_maximum, self.limits, self.window = lattice, is_maximum, limits, window
        self.apart = window.column if window is not None and window.apart else None
        self.low = combine(a.min(axis=0), b.min(axis=0), is_maximum)
        self.points = a, b
        self.found: list[Sums] = []
        self.new: list[Sums] = []
        self.waiting, self.since, self.patience = 0, 0, PATIENCE

    def table(self, known: Floats | None) -> Reached:
        """Return a table for the sums, in which what is known is reached."""
        a, b = self.points
        high = combine(a.max(axis=0), b.max(axis=0), self.is_maximum)
        found = Reached(self.lattice, self.low, high, self.is_maximum, self.apart)
        if known is not None:
            found.add(known)
        return found

    def run(self, known: Floats | None) -> Sums:
        a, b = self.points
        self.reached = self.table(known)
        self.a = _Tiles(a, self.reached, self.window)
        self.b = self.a if a is b else _Tiles(b, self.reached, self.window)
        # something is reached first: the sums of one point of every tile
        i, j = (np.arange(0, each.number, TILE) for each in (self.a, self.b))
        step = max(1, CHUNK // len(j))
        for start in range(0, len(i), step):
            self._look(i[start : start + step, None][None], j[None, None])
        self._take()
        self.patience = CHUNK
        top = max(len(self.a.sizes), len(self.b.sizes)) - 1
        i, j = (each.reshape(-1) for each in np.indices((self.a.sizes[-1], self.b.sizes[-1])))
        self._descend(i, j, top)
        self._take()
        if not self.found:
            none = np.empty(0, np.int64)
            return Sums(a[:0], none, none)
        found = self.least(Sums.all(self.found), None)
        return Sums(found.totals, self.a.order[found.left], self.b.order[found.right])

    def least(self, sums: Sums, limits: Floats | None) -> Sums:
        """Return one sum for each of the lowest combinations of intervals."""
        if limits is not None:
            sums = sums.rows(np.flatnonzero((sums.totals <= limits).all(axis=1)))
        at = self.lattice.intervals(sums.totals[:, : len(self.lattice.low)])
        if at.shape[1] > 1:
            rows = least_of_groups(at, self.apart)
            sums, at = sums.rows(rows), at[rows]
        if self.apart is None:
            return sums.rows(non_dominated(at))
        return sums if at.shape[1] < 4 else sums.rows(non_dominated(np.column_stack([at, -at[:, self.apart]])))

    def _open(self, i: Rows, j: Rows, a: int, b: int) -> Mask:
        """Return which pairs of rows of levels ``a`` and ``b`` are not covered."""
        x, y = self.a, self.b
        at = x.keys[a][i] + y.keys[b][j]
        for p, q in zip(x.maxima[a], y.maxima[b], strict=True):
            at += np.maximum(p[i], q[j])
        one, other = x.values[a][i], y.values[b][j]
        value = np.maximum(one, other) if self.is_maximum[self.reached.scanned] else one + other
        return np.asarray(value < self.reached.flat[at])

    def _descend(self, i: Rows, j: Rows, level: int) -> None:
        a, b = (min(level, len(each.sizes) - 1) for each in (self.a, self.b))
        if self.a is self.b:
            ordered = np.flatnonzero(i <= j)
            i, j = i[ordered], j[ordered]
        if self.window is not None:
            x, y, most = self.a, self.b, self.window.most
            near = (x.low[a][i] <= y.high[b][j] + most) & (y.low[b][j] <= x.high[a][i] + most)
            i, j = i[near], j[near]
        rows = np.flatnonzero(self._open(i, j, a, b))
        i, j = i[rows], j[rows]
        if level == 1:
            inner = np.arange(TILE)
            step = CHUNK // TILE**2
            for start in range(0, len(i), step):
                p, q = i[start : start + step, None] * TILE + inner, j[start : start + step, None] * TILE + inner
                self._look(p[:, :, None], q[:, None, :])
            return
        next_i = i[:, None] * FAN + np.arange(FAN) if a == level else i[:, None]
        next_j = j[:, None] * FAN + np.arange(FAN) if b == level else j[:, None]
        i, j = (each.reshape(-1) for each in np.broadcast_arrays(next_i[:, :, None], next_j[:, None, :]))
        exist = (i < self.a.sizes[min(level - 1, a)]) & (j < self.b.sizes[min(level - 1, b)])
        i, j = i[exist], j[exist]
        for start in range(0, len(i), CHUNK):
            self._descend(i[start : start + CHUNK], j[start : start + CHUNK], level - 1)

    def _look(self, i: Rows, j: Rows) -> None:
        """Look at sums of rows, and keep what is new."""
        is_open = self._open(i, j, 0, 0)
        self.since += is_open.size
        rows = np.flatnonzero(is_open)
        if len(rows):
            i, j = (np.broadcast_to(each, is_open.shape).reshape(-1)[rows] for each in (i, j))
            i, j = np.minimum(i, self.a.number - 1), np.minimum(j, self.b.number - 1)
            totals = combine(self.a.totals[i], self.b.totals[j], self.is_maximum)
            new = self.reached.is_new(totals, self.low)
            self.new.append(Sums(totals[new], i[new], j[new]))
            self.waiting += len(self.new[-1].totals)
        if self.waiting > WAITING or (self.waiting and self.since > self.patience):
            self._take()

    def _take(self) -> None:
        """Keep the least of the sums that were new, and let them be reached."""
        if not self.new:
            return
        kept = self.least(Sums.all(self.new), self.limits)
        if len(kept.totals):
            self.reached.add(kept.totals)
            self.found.append(kept)
        self.new, self.waiting, self.since = [], 0, 0
        self.patience = min(2 * self.patience, PATIENCE)
