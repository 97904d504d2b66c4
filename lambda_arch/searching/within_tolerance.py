"""The front of a large space within a tolerance: equal slots merged pairwise, each merge thinned on a grid.

Blocks of a stage have equal costs, so the front of n of them is that of n/2 merged with itself: log n merges instead
of n. Depths, stems and image sizes are products of their own; those with equal tables share their merges.

A merge keeps, of the partial networks in each cell of a grid over all summed metrics but the MACs (or the first), the
one with the least of that metric, unless a cell that is no larger in any coordinate has one with no more of it. So
every dropped one has a replacement that is worse by at most one interval in each gridded metric, and by nothing in the
others: maxima have one cell per value. An interval is a share of the range of the merge's sums. Errors add up over all
merges, and the share is such that they stay within the tolerance of the least that the product can cost.

Bounds drop partial networks without a completion within them. A replacement may exceed a bound that the dropped one
keeps, so the promise is for architectures that keep every bound with the tolerance to spare.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.arrays import Floats, Indices, Rows
from lambda_arch.searching.enumeration import approximately, check_bounds
from lambda_arch.searching.exact_pairs import pair_weights
from lambda_arch.searching.front import Found, Front, collect
from lambda_arch.searching.optimization import Problem, non_dominated
from lambda_arch.searching.search_space import Listing, Product

COARSE = 20
"""How many times the tolerance is at which products are compared first."""
CHUNK = 2_000_000
"""Sums that are computed at once."""
CELLS = 1_000_000
"""The largest grid that is kept as an array even for few sums."""


def check_tolerance(tolerance: float) -> None:
    """Raise :class:`LambdaArchError` for a tolerance that is none."""
    if not 0 < tolerance <= 0.1:
        raise LambdaArchError(f"tolerance={tolerance:g}: expected more than 0 and at most 0.1, such as 0.001")


def front_within(problem: Problem, tolerance: float, step: Callable[[], None] = lambda: None) -> Front:
    """Return a front such that every architecture has a member that is worse by at most ``tolerance``, relatively.

    With bounds that holds for architectures that keep every bound with the tolerance to spare. Products whose coarse
    fronts say that others have all that is good in them are left out. ``step`` is called after every product.

    Raises :class:`LambdaArchError` for an accuracy model with pairs, and as :func:`check_tolerance` does.
    """
    check_tolerance(tolerance)
    check_bounds(problem)
    products = problem.space.products
    columns = len(problem.objectives)
    coarse = Merger(problem, min(COARSE * tolerance, 0.1))
    fronts = [coarse.front(product) for product in products]
    known = _non_dominated(problem, fronts)
    best = np.concatenate([each.totals[rows, :columns] for each, rows in zip(fronts, known, strict=True)])
    # what these are better than is left out, so they are members themselves
    found = [each.found(rows) for each, rows in zip(fronts, known, strict=True)]
    share, error = np.zeros(columns), np.zeros(columns)
    merger = Merger(problem, tolerance)
    for i, product in enumerate(products):
        least = fronts[i].totals[:, :columns] - fronts[i].error[:columns]
        if (non_dominated(np.concatenate([best, least + tolerance * np.abs(least)])) >= len(best)).any():
            fronts[i] = merger.front(product)
            share = np.maximum(share, fronts[i].share[:columns])
            error = np.maximum(error, fronts[i].error[:columns])
        elif len(least):
            fronts[i] = replace(fronts[i], totals=fronts[i].totals[:0])
            share = np.full(columns, tolerance)
            error = np.maximum(error, tolerance * np.abs(fronts[i].ends[:, :columns]).max(axis=0))
        step()
    for i, rows in enumerate(_non_dominated(problem, fronts)):
        more = fronts[i].found(rows)
        totals = np.concatenate([found[i].totals, more.totals])
        found[i] = Found.exact(totals, np.concatenate([found[i].options, more.options]))
    how = f"pairwise merging over {approximately(problem.space.size)} architectures"
    front = collect(problem, "exact", how, found, problem.space.size)
    return replace(front, error=error, share=share)


def _non_dominated(problem: Problem, fronts: "list[ProductFront]") -> list[Rows]:
    """Return, front by front, the rows that no row of any dominates."""
    starts = np.cumsum([0, *(len(each.totals) for each in fronts)])
    rows = problem.non_dominated(np.concatenate([each.totals for each in fronts]), len(problem.objectives))
    ends = np.searchsorted(rows, starts)
    return [rows[a:b] - start for a, b, start in zip(ends[:-1], ends[1:], starts[:-1], strict=True)]


@dataclass(eq=False)
class Part:
    """``number`` slots together: with ``left`` and ``right``, the parts of which it is merged, or one slot's options.

    ``key`` is equal for parts with equal costs; ``least`` and ``most`` bound its totals.
    """

    key: int
    number: int
    least: Floats
    most: Floats
    options: Floats | None = None
    left: "Part | None" = None
    right: "Part | None" = None

    @cached_property
    def ranges(self) -> Floats:
        """The sum of the ranges of all merges in it, by metric."""
        if self.left is None or self.right is None:
            return np.zeros(len(self.least))
        return self.left.ranges + self.right.ranges + (self.most - self.least)


@dataclass(frozen=True, eq=False)
class Kept:
    """The totals that are left of a part, the rows of its two parts of which they are merged, and their error."""

    totals: Floats
    left: Rows
    right: Rows
    error: Floats


class Merger:
    """Merges parts of the products of a problem within a tolerance; parts that occur again are merged once."""

    def __init__(self, problem: Problem, tolerance: float) -> None:
        if pair_weights(problem).any():
            raise LambdaArchError(f"tolerance={tolerance:g}: expected an accuracy model without pairs")
        self.problem, self.tolerance = problem, tolerance
        names = [metric.name for metric in problem.costs.metrics]
        summed = np.flatnonzero(~problem.costs.is_maximum).tolist()
        self.scanned = names.index("macs") if "macs" in names else (summed or [0])[0]
        self.gridded = [i for i in summed if i != self.scanned]
        self.kept: dict[object, Kept] = {}
        self.tables: dict[object, tuple[int, Floats, Rows]] = {}
        self.numbers: dict[object, int] = {}

    def front(self, product: Product | Listing) -> "ProductFront":
        """Return the front of a product, whose architectures are made when they are asked for."""
        groups: dict[int, list[int]] = {}
        for i, slot in enumerate(product.slots):
            groups.setdefault(self._table(product, slot)[0], []).append(i)
        fixed = self.problem.fixed(product)
        leaves = {key: self._table(product, product.slots[own[0]]) for key, own in groups.items()}
        queue: list[tuple[int, int, Part]] = []
        for key, own in groups.items():
            options = leaves[key][1]
            leaf = Part(key, 1, options.min(axis=0), options.max(axis=0), options)
            queue.append((len(own), len(queue), self._many(leaf, len(own))))
        heapq.heapify(queue)
        while len(queue) > 1:
            (few, number, a), (more, _, b) = heapq.heappop(queue), heapq.heappop(queue)
            heapq.heappush(queue, (few + more, number, self._pair(a, b)))
        whole = queue[0][2]
        least, most = (self.problem.combine(fixed, ends) for ends in (whole.least, whole.most))
        allowed = self.tolerance * np.where(least * most > 0, np.minimum(np.abs(least), np.abs(most)), 0.0)
        shares = np.divide(allowed, whole.ranges, out=np.zeros(len(fixed)), where=whole.ranges > 0)
        # rounded, so that stems and other settings of the network, whose costs differ a little, share merges
        shares = np.where(shares > 0, 2.0 ** (np.floor(8 * np.log2(np.where(shares > 0, shares, 1.0))) / 8), 0.0)
        bounded = bool(np.isfinite(self.problem.bounds).any())
        rest = (fixed, least) if bounded else None
        kept = self._merged(whole, shares, rest)
        totals = self.problem.combine(kept.totals, fixed)
        scale = np.where(least * most > 0, np.minimum(np.abs(least), np.abs(most)), np.inf)
        slots = {key: list(own) for key, own in groups.items()}
        rows = {key: leaves[key][2] for key in groups}
        if bounded:
            ok = np.flatnonzero(self.problem.allowed(totals))
            kept = Kept(kept.totals[ok], kept.left[ok], kept.right[ok], kept.error)
            totals = totals[ok]
        ends = np.array([least, most])
        lookup = self._lookup(shares, rest)
        return ProductFront(totals, kept, kept.error, kept.error / scale, ends, whole, slots, rows, lookup)

    def _table(self, product: Product | Listing, slot: object) -> tuple[int, Floats, Rows]:
        """Return a key, the non-dominated options of a slot, and their numbers."""
        name: object = id(slot)
        if isinstance(product, Product):
            columns = slot.columns  # type: ignore[attr-defined]
            base = product.base
            settings = (base.depth, base.image_size, base.stem, base.stride, base.pool, base.shortcut_bias)
            where = tuple(
                (id(column.blocks), id(column.index), *((i, min(j, 1)) for i, j in column.places)) for column in columns
            )
            name = (settings, base.activation, where)
        if name not in self.tables:
            costs = self.problem.slot(product, slot)  # type: ignore[arg-type]
            rows = self.problem.non_dominated(costs)
            self.tables[name] = (self._number(costs[rows].tobytes()), costs[rows], rows)
        return self.tables[name]

    def _number(self, key: object) -> int:
        """Return a number for what is equal."""
        return self.numbers.setdefault(key, len(self.numbers))

    def _pair(self, a: Part, b: Part) -> Part:
        least, most = self.problem.combine(a.least, b.least), self.problem.combine(a.most, b.most)
        return Part(self._number((a.key, b.key)), a.number + b.number, least, most, None, a, b)

    def _many(self, leaf: Part, number: int) -> Part:
        if number == 1:
            return leaf
        if number % 2:
            return self._pair(self._many(leaf, number - 1), leaf)
        half = self._many(leaf, number // 2)
        return self._pair(half, half)

    def _lookup(self, shares: Floats, rest: tuple[Floats, Floats] | None) -> Callable[[Part], Kept]:
        return lambda part: self._merged(part, shares, rest)

    def _merged(self, part: Part, shares: Floats, rest: tuple[Floats, Floats] | None) -> Kept:
        """Return what is left of a part; ``rest``: the fixed costs and the least of the whole, if there are bounds."""
        fixed = None if rest is None else (rest[0].tobytes(), rest[1].tobytes())
        key = (part.key, shares.tobytes(), fixed)
        if key not in self.kept:
            if part.options is not None:
                none = np.zeros(part.options.shape[1])
                rows = np.arange(len(part.options))
                self.kept[key] = Kept(part.options, rows, rows, none)
            else:
                assert part.left is not None and part.right is not None
                left, right = (self._merged(each, shares, rest) for each in (part.left, part.right))
                self.kept[key] = self._merge(part, left, right, shares, rest)
        return self.kept[key]

    def _merge(self, part: Part, left: Kept, right: Kept, shares: Floats, rest: tuple[Floats, Floats] | None) -> Kept:
        widths = (part.most - part.least) * shares
        limits: Floats | None = None
        if rest is not None:  # what the other slots cost at least
            others = np.where(self.problem.costs.is_maximum, 0.0, rest[1] - part.least)
            limits = self.problem.bounds - others + 1e-9 * np.abs(others)
        step = max(1, CHUNK // max(1, len(right.totals)))
        parts: list[tuple[Floats, Rows, Rows]] = []
        for start in range(0, len(left.totals), step):
            some = left.totals[start : start + step]
            sums = self.problem.combine(some[:, None], right.totals[None]).reshape(-1, len(widths))
            rows = np.arange(len(sums)) if limits is None else np.flatnonzero((sums <= limits).all(axis=1))
            rows = rows[self._least(sums[rows] if limits is not None else sums, part.least, widths)]
            parts.append((sums[rows], start + rows // len(right.totals), rows % len(right.totals)))
        if not parts:
            none = np.empty(0, np.intp)
            return Kept(left.totals[:0], none, none, left.error + right.error)
        totals, lefts, rights = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        if len(parts) > 1:
            rows = self._least(totals, part.least, widths)
            totals, lefts, rights = totals[rows], lefts[rows], rights[rows]
        own = np.zeros(len(widths))
        own[self.gridded] = widths[self.gridded]
        return Kept(totals, lefts, rights, left.error + right.error + own)

    def _least(self, sums: Floats, least: Floats, widths: Floats) -> Rows:
        """Return the rows that no row of a cell below theirs, in every coordinate, beats or equals."""
        columns: list[Rows] = []
        for i in range(sums.shape[1]):
            if i == self.scanned:
                continue
            if i in self.gridded and widths[i] > 0:
                columns.append(np.maximum((sums[:, i] - least[i]) / widths[i], 0.0).astype(np.int64))
            else:
                columns.append(np.unique(sums[:, i], return_inverse=True)[1].reshape(-1))
        rows = np.arange(len(sums))
        sizes = [int(column.max(initial=0)) + 1 for column in columns]
        scanned = sums[:, self.scanned]
        if columns and len(sums) and float(np.prod([float(size) for size in sizes])) <= max(CELLS, 8 * len(sums)):
            cells = np.ravel_multi_index(tuple(columns), sizes)
            best = np.full(int(np.prod(sizes)), np.inf)
            np.minimum.at(best, cells, scanned)
            rows = np.flatnonzero(best[cells] == scanned)
        points = np.column_stack([*(column[rows] for column in columns), scanned[rows]]).astype(np.float64)
        return rows[non_dominated(points)]


@dataclass(frozen=True, eq=False)
class ProductFront:
    """The front of a product: totals, the error of each metric, and that as a share of the least of the product.

    ``ends``: the least and the most that its architectures can cost.
    """

    totals: Floats
    kept: Kept
    error: Floats
    share: Floats
    ends: Floats
    whole: Part
    slots: dict[int, list[int]]
    rows: dict[int, Rows]
    lookup: Callable[[Part], Kept]

    def found(self, rows: Rows) -> Found:
        """Return some rows, with the option of each slot."""
        chosen = np.empty((len(rows), sum(map(len, self.slots.values()))), np.int32)
        left = {key: list(own) for key, own in self.slots.items()}
        self._choose(self.whole, self.kept, rows, left, chosen)
        return Found(self.totals[rows], chosen, self.error, np.full(len(self.error), np.inf))

    def _choose(self, part: Part, kept: Kept, rows: Rows, left: dict[int, list[int]], chosen: Indices) -> None:
        if part.left is None or part.right is None:
            chosen[:, left[part.key].pop()] = self.rows[part.key][kept.left[rows]]
            return
        for each, own in ((part.left, kept.left), (part.right, kept.right)):
            self._choose(each, self.lookup(each), own[rows], left, chosen)
