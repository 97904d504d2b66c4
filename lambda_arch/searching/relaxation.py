"""Lower bounds of the networks of a product, by Lagrangian relaxation.

With weights w of the other two objectives, the least of ``first + w * others`` over all networks of a product is the
sum of the least of each slot, h(w). A network whose others are at most m therefore has a first objective of at least
``h(w) - w * m``; the greatest of these over all w is the bound of the convex hull (Geoffrion, Lagrangean relaxation for
integer programming, 1974). Weights are on a grid, so a table of least costs is all that a bound needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices, Mask, Rows
from lambda_arch.searching.slot_tables import Table

REACH = 9.0
"""Weights are exp(-REACH), ..., exp(REACH) in equal steps of the exponent, times the ratio of ranges; and 0."""
FLAT = 1e-6
"""The least range of an objective, as a share of its value."""
FINE, ROUNDING = 0.01, 1e-11
CLIMB = (32, 16, 8, 4, 2, 1)
"""By how many weights the search for the greatest bound moves."""


@dataclass(frozen=True, eq=False)
class Open:
    """Sets of networks of a product, in each of which some slots have an option and the others are open.

    ``fixed``: what is not open costs (n x 3); ``counts``: the number of open slots with each table (n x tables).
    """

    fixed: Floats
    counts: Indices

    def rows(self, rows: Rows) -> "Open":
        """Return some of them."""
        return Open(self.fixed[rows], self.counts[rows])


class Relaxation:
    """The slots of a product by their tables, with the objectives in the order first, others.

    ``options``: the costs of the options of all tables (options x 3); ``numbers``: their numbers in the slot;
    ``table``: the table of each; ``starts``: where each table's begin; ``size``: how much more they cost than the least
    of the table, in ranges of the product. ``slots``, ``counts``: the slots with each table, and how many. ``low``,
    ``high``: the ends of the objectives; ``worst``: that of the first, with what its sum may be rounded by.
    ``weights``: those of the others (2 x weights); ``step``: of their exponents.
    """

    def __init__(
        self, fixed: Floats, tables: Mapping[int, tuple[Table, list[int]]], order: list[int], step: float
    ) -> None:
        self.slots = [slots for _, slots in tables.values()]
        self.numbers = np.concatenate([table.rows for table, _ in tables.values()])
        costs = [table.costs[:, order] for table, _ in tables.values()]
        self.options = np.ascontiguousarray(np.concatenate(costs))
        sizes = [len(each) for each in costs]
        self.starts = np.cumsum([0, *sizes[:-1]])
        self.ends = self.starts + sizes
        self.table = np.repeat(np.arange(len(sizes)), sizes)
        self.counts = np.array([len(slots) for slots in self.slots], np.int32)
        self.fixed = fixed[order]
        self.low = self.fixed + sum(n * each.min(axis=0) for n, each in zip(self.counts, costs, strict=True))
        self.high = self.fixed + sum(n * each.max(axis=0) for n, each in zip(self.counts, costs, strict=True))
        self.worst = self.high[0] + ROUNDING * abs(self.high[0])
        ranges = np.maximum(self.high - self.low, FLAT * np.abs(self.low))
        lowest = np.minimum.reduceat(self.options, self.starts, axis=0)
        self.size = ((self.options - lowest[self.table]) / ranges).sum(axis=1)
        self.ranges = ranges
        grid = np.concatenate([[0.0], np.exp(np.arange(-REACH, REACH + step / 2, step))])
        self.weights = grid * (ranges[0] / ranges[1:, None])

    @cached_property
    def least(self) -> Floats:
        """The least weighted cost of each table's options (tables x weights x weights)."""
        one, other = self.weights
        found = np.empty((len(self.starts), len(one), len(other)))
        last = self.options[:, 2:] * other
        for i, weight in enumerate(one):
            weighted = (self.options[:, :1] + weight * self.options[:, 1:2]) + last
            found[:, i] = np.minimum.reduceat(weighted, self.starts, axis=0)
        return found

    def forget(self) -> None:
        """Free the memory of what can be computed again."""
        for name in ("least", "_least_of_others"):
            vars(self).pop(name, None)

    @property
    def all(self) -> Open:
        """All networks of the product, as one row."""
        return Open(self.fixed[None], self.counts[None])

    def at(self, weights: Rows) -> Floats:
        """Return weights by their numbers (... x 2), with 1 for the first objective (... x 3)."""
        one, other = self.weights[0][weights[..., 0]], self.weights[1][weights[..., 1]]
        return np.stack([np.ones(one.shape), one, other], axis=-1)

    def support(self, networks: Open, weights: Rows) -> Floats:
        """Return h of each of ``networks`` (n) at weights (n x ... x 2), of the shape n x ..."""
        shape = (-1, *[1] * (weights.ndim - 2))
        w = self.at(weights)
        found = (w * networks.fixed.reshape(*shape, 3)).sum(axis=-1)
        for table in range(len(self.counts)):
            found += networks.counts[:, table].reshape(shape) * self.least[table, weights[..., 0], weights[..., 1]]
        return np.asarray(found)

    def bound(self, networks: Open, weights: Rows, others: Floats) -> Floats:
        """Return the least first objective of ``networks`` with the other objectives at most some (n x ... x 2)."""
        w = self.at(weights)
        return np.asarray(self.support(networks, weights) - (w[..., 1:] * others).sum(axis=-1))

    @cached_property
    def _least_of_others(self) -> tuple[Floats, Floats]:
        """Weights of the last objective beside the second, and the least cost of each table's options with them."""
        weights = np.exp(np.arange(-REACH, REACH, FINE)) * self.ranges[1] / self.ranges[2]
        weighted = self.options[:, 1:2] + self.options[:, 2:] * weights
        return weights, np.minimum.reduceat(weighted, self.starts, axis=0)

    def exist(self, networks: Open, others: Floats) -> Mask:
        """Return which of ``networks`` (n) may have the other objectives at most ``others`` (n x 2).

        False is sure: by the bound of the second objective with a limit of the last. Close to the ends of what is
        possible the weights of both are large, and their ratio matters more than their grid allows for.
        """
        weights, least = self._least_of_others
        best = np.full(len(others), len(weights) // 2)
        rows = np.arange(len(others))
        above = np.full(len(others), -np.inf)
        for step in (*(len(weights) // 2**k for k in range(2, int(np.log2(len(weights))) + 1)), 1):
            near = np.clip(best[:, None] + step * np.array([-1, 0, 1]), 0, len(weights) - 1)
            total = networks.fixed[:, 1:2] + networks.fixed[:, 2:] * weights[near]
            for table in range(len(self.counts)):
                total += networks.counts[:, table, None] * least[table, near]
            limit = others[:, :1] + others[:, 1:] * weights[near]
            over = total - limit - ROUNDING * (np.abs(others[:, :1]) + np.abs(others[:, 1:]) * weights[near])
            which = over.argmax(axis=1)
            best, above = near[rows, which], over[rows, which]
        return np.asarray(above <= 0)

    def climb(self, networks: Open, weights: Rows, others: Floats) -> tuple[Rows, Floats]:
        """Return weights at which the bound is greatest, starting from some (n x 2), and the bounds (n).

        The bound is concave in the weights, so that ever smaller steps lead there. It is infinite where no network has
        others so low.
        """
        found = self.bound(networks, weights, others)
        moves = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
        most = self.weights.shape[1] - 1
        rows = np.arange(len(weights))
        for step in CLIMB:
            for _ in range(2):
                near = np.clip(weights[:, None] + step * moves, 0, most)
                bounds = self.bound(networks, near, others[:, None])
                best = bounds.argmax(axis=1)
                weights, found = near[rows, best], bounds[rows, best]
        return weights, np.where(self.exist(networks, others), found, np.inf)

    def weighted(self, weights: Rows) -> Floats:
        """Return the weighted costs of options at weights (n x 2), which do not depend on n: n x options.

        Those of a product of matrices do, and options of nearly equal costs must stay in their order.
        """
        _, one, other = self.at(weights).T[:, :, None]
        return np.asarray((self.options[:, 0] + one * self.options[:, 1]) + other * self.options[:, 2])

    def cheapest(self, weighted: Floats) -> Rows:
        """Return the options of least weighted cost (n x options), of each table (n x tables)."""
        best = [weighted[:, a:b].argmin(axis=1) + a for a, b in zip(self.starts, self.ends, strict=True)]
        return np.stack(best, axis=1)

    def bounds(self, one: Floats, other: Floats) -> tuple[Floats, Rows]:
        """Return the greatest bounds where the others are at most ``one`` x ``other``, and their weights (... x 2)."""
        every = np.moveaxis(np.indices(self.least.shape[1:]), 0, -1)
        h = self.support(self.all, every[None])[0]
        found = np.empty((len(one), len(other)))
        weights = np.empty((len(one), len(other), 2), np.intp)
        for j, most in enumerate(other):
            values = h - self.weights[1] * most
            last = values.argmax(axis=1)
            planes = values.max(axis=1)[:, None] - self.weights[0][:, None] * one
            first = planes.argmax(axis=0)
            found[:, j] = planes[first, np.arange(len(one))]
            weights[:, j] = np.stack([first, last[first]], axis=-1)
        return found, weights
