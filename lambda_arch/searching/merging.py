"""The front of a large space within a tolerance: equal slots merged by doubling, each merge rounded to a lattice.

Blocks of a stage have equal costs, so the front of n of them is that of n/2 merged with itself: log n merges instead of
n. Depths, stems and image sizes are products of their own; those with equal tables share their merges.

A merge keeps sums such that for every other there is one that is in no higher interval in any metric. The intervals are
as wide as :mod:`~lambda_arch.searching.parts` allows, so that the losses of all merges add up to the tolerance. Maxima
are in the same intervals in all merges, since the interval of the maximum of two is known from theirs: they lose once.

Of n equal slots, only halves whose values in one metric differ by no more than the range of one slot are summed. Any
choice of options can be divided so: sort them by that metric, and give them alternately to the two halves. What is kept
instead of a half must be close to it in that metric, not only below, so its intervals are kept apart, and the window is
wider by twice what the halves have lost. Merges of few slots are exact; that a half that is dominated is dropped there
changes nothing, because an architecture that has it is dominated too.

Bounds drop partial networks without a completion within them. A replacement may exceed a bound that the dropped one
keeps, so the promise is for architectures that keep every bound with the tolerance to spare.
"""

from collections.abc import Callable

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices, Rows
from lambda_arch.searching.front import Found
from lambda_arch.searching.lattice import Lattice
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.pair_sums import Sums, Window, kept_sums
from lambda_arch.searching.parts import AT_ROOT, SLOPE, Part, Parts, divide
from lambda_arch.searching.search_space import Listing, Product
from lambda_arch.searching.slot_tables import SlotTables

COARSE = 20
"""How many times the tolerance is at which products are compared first."""
NARROW = 0.01
"""Up to which tolerance halves of equal slots are summed within windows, which takes finer intervals."""


def merged_front(
    problem: Problem, tables: SlotTables, tolerance: float, step: Callable[[], None]
) -> tuple[list[Found], Floats]:
    """Return networks of each product, and the greatest values of the objectives, by their absolute values.

    Every network that keeps every bound with the tolerance to spare has one within the tolerance among them. Products
    whose coarse fronts say that others have all that is good in them are left out. ``step`` is called for each product.
    """
    products = problem.space.products
    objectives = len(problem.objectives)
    found: list[Found] = []
    known = np.empty((0, objectives))
    coarse = Merger(problem, tables, min(COARSE * tolerance, 0.1))
    outer = []
    for product in products:
        merged = coarse.merge(product)
        outer.append(merged.at_least())
        found.append(merged.found(known))
        known = _with(problem, known, found[-1].totals)
    merger = Merger(problem, tables, tolerance)
    ends = np.zeros(objectives)
    for i, product in enumerate(products):
        merged = merger.merge(product)
        ends = np.maximum(ends, np.abs(np.stack([merged.least, merged.most])[:, :objectives]).max(axis=0))
        if len(merged.sums(*outer[i], known).totals):
            more = merged.found(known)
            known = _with(problem, known, more.totals)
            totals = np.concatenate([found[i].totals, more.totals])
            found[i] = Found.exact(totals, np.concatenate([found[i].options, more.options]))
        step()
    return found, ends


def _with(problem: Problem, known: Floats, more: Floats) -> Floats:
    """Return the objectives of all that is known, without what is dominated."""
    both = np.concatenate([known, more[:, : known.shape[1]]])
    return both[problem.non_dominated(both, known.shape[1])] if len(more) else known


class Merger:
    """Merges parts of the products of a problem within a tolerance; parts that occur again are merged once."""

    def __init__(self, problem: Problem, tables: SlotTables, tolerance: float) -> None:
        self.problem, self.tables, self.tolerance = problem, tables, tolerance
        self.allowed = float(np.log1p(tolerance))  # losses of losses are products: their logarithms add up
        self.is_maximum = problem.costs.is_maximum
        self.has_windows = tolerance <= NARROW and int((~self.is_maximum).sum()) > 1
        self.parts = Parts(self.is_maximum, self.has_windows, tables.numbers)
        self.kept: dict[object, Sums] = {}

    def merge(self, product: Product | Listing) -> "Merged":
        """Return the parts of a product, which are merged when they are asked for."""
        tables = self.tables.of(product)
        root = self.parts.all(
            [self.parts.many(self.parts.leaf(key, table.costs), len(own)) for key, (table, own) in tables.items()]
        )
        slots = {key: own for key, (_, own) in tables.items()}
        rows = {key: table.rows for key, (table, _) in tables.items()}
        return Merged(self, root, self.problem.fixed(product), slots, rows)


class Merged:
    """A product that is merged: its root part, its fixed costs, and the slots and options of its leaves by key."""

    def __init__(
        self, merger: Merger, root: Part, fixed: Floats, slots: dict[int, list[int]], rows: dict[int, Rows]
    ) -> None:
        self.merger, self.root, self.fixed, self.slots, self.rows = merger, root, fixed, slots, rows
        self.problem, self.is_maximum = merger.problem, merger.is_maximum
        self.least, self.most = (self.problem.combine(fixed, ends) for ends in (root.least, root.most))
        cheapest = np.min([fixed, *(part.least for part, _ in root.inner() if part.options is not None)], axis=0)
        self.slope = np.where((cheapest >= 0) & (self.least > 0), 1.0, 0.0)
        divide(root, fixed, merger.allowed, self.slope, self.is_maximum)
        self.bounded = bool(np.isfinite(self.problem.bounds).any())
        self.context = (fixed.tobytes(), root.least.tobytes()) if self.bounded or self.is_maximum.any() else ()
        spread = (self.most - self.least) / np.maximum(np.abs(self.least), 1e-300)
        self.apart = int(np.where(self.is_maximum, np.inf, spread).argmin())

    def found(self, known: Floats) -> Found:
        """Return networks that cover all of the product that no ``known`` one covers, with the option of each slot."""
        halves = self.root.halves
        if halves is None:
            sums = self.sums(self.problem.combine(self._options(), self.fixed), np.zeros((1, len(self.fixed))), known)
        else:
            left, right = (self.kept(half).totals for half in halves)
            sums = self.sums(self.problem.combine(left, self.fixed), right, known)
        chosen = np.empty((len(sums.totals), sum(map(len, self.slots.values()))), np.int32)
        self._choose(
            self.root, sums, np.arange(len(chosen)), {key: list(own) for key, own in self.slots.items()}, chosen
        )
        return Found.exact(sums.totals, chosen)

    def at_least(self) -> tuple[Floats, Floats]:
        """Return two sets, of whose sums each network of the product is no better than one."""
        halves = self.root.halves
        if halves is None:
            return self.problem.combine(self._options(), self.fixed), np.zeros((1, len(self.fixed)))
        left, right = (self._lowered(half) for half in halves)
        return self.problem.combine(left, self.fixed), right

    def sums(self, a: Floats, b: Floats, known: Floats) -> Sums:
        """Return sums of ``a`` and ``b`` that cover all within the bounds that no ``known`` network covers."""
        objectives = len(self.problem.objectives)
        lattice = self._lattice(self.least, np.full(len(self.fixed), AT_ROOT * self.merger.allowed), 1.0, self._floor())
        lattice = Lattice(
            *(each[:objectives] for each in (lattice.low, lattice.share, lattice.slope, lattice.constant))
        )
        limits = self.problem.bounds if self.bounded else None
        return kept_sums(a, b, lattice, self.is_maximum, limits=limits, known=known)

    def kept(self, part: Part, apart: bool = False) -> Sums:
        """Return what is left of a part; ``apart``: as a half of equal slots."""
        key = (part.key, part.share.tobytes(), part.constant.tobytes(), apart, self.context)
        if key not in self.merger.kept:
            self.merger.kept[key] = self._merge(part, apart)
        return self.merger.kept[key]

    def _options(self) -> Floats:
        assert self.root.options is not None
        return self.root.options

    def _floor(self) -> Floats:
        """Return the least absolute value of every metric; 0 if it may be more or less than 0."""
        return np.where(self.least * self.most > 0, np.minimum(np.abs(self.least), np.abs(self.most)), 0.0)

    def _lattice(self, least: Floats, share: Floats, slope: float, constant: Floats) -> Lattice:
        """Return the lattice of a merge; that of maxima is the same for all."""
        maximum = self.is_maximum
        return Lattice(
            np.where(maximum, self.least, least),
            np.where(maximum, self.merger.allowed, share),
            np.where(maximum, 1.0, slope * self.slope),
            np.where(maximum | ((slope == 1.0) & (self.slope > 0)), 0.0, constant),
        )

    def _merge(self, part: Part, apart: bool) -> Sums:
        if part.halves is None:
            assert part.options is not None
            rows = np.arange(len(part.options))
            return Sums(part.options, rows, rows)
        repeated = part.repeats is not None
        left, right = (self.kept(half, repeated) for half in part.halves)
        limits: Floats | None = None
        if self.bounded:  # what the other slots cost at least
            others = np.where(self.is_maximum, 0.0, self.least - part.least)
            limits = self.problem.bounds - others + 1e-9 * np.abs(others)
        window = None
        if part.repeats is not None and not part.is_exact:
            most = np.inf
            if left is right:
                most = float(part.repeats[self.apart] + 2 * self._spread(part.halves[0]))
            window = Window(self.apart, most, apart)
        lattice = self._lattice(part.least, part.share, SLOPE, part.constant)
        return kept_sums(left.totals, right.totals, lattice, self.is_maximum, limits=limits, window=window)

    def _spread(self, part: Part) -> float:
        """Return by how much what is kept instead of a half of equal slots may differ from it in the metric apart."""
        if part.halves is None or part.is_exact:
            return 0.0
        i = self.apart
        own = 2 * part.share[i] * (SLOPE * self.slope[i] * part.most[i] + part.constant[i])
        return float(own + sum(self._spread(half) for half in part.halves))

    def _lowered(self, part: Part) -> Floats:
        """Return what is kept of a part, less all that its merges may have lost."""
        totals = self.kept(part).totals
        lost = (totals - part.constants()) / (1 + SLOPE * self.slope * part.shares())
        return np.where(self.is_maximum, totals / (1 + self.merger.allowed), lost)

    def _choose(self, part: Part, kept: Sums, rows: Rows, left: dict[int, list[int]], chosen: Indices) -> None:
        if part.halves is None:
            chosen[:, left[part.key].pop()] = self.rows[part.key][kept.left[rows]]
            return
        for half, own in zip(part.halves, (kept.left, kept.right), strict=True):
            apart = part.repeats is not None and part is not self.root
            self._choose(half, self.kept(half, apart), own[rows], left, chosen)
