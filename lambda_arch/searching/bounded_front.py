"""Fronts within a tolerance by branch and bound: the problems for it, and the levels of an objective that is a maximum.

Networks whose maximum is in the same interval, as wide as the tolerance, are as good as each other in it. So the fronts
of the sums are found for one interval after another, the least first, among networks of no option above it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices, Mask
from lambda_arch.searching.branch_and_bound import RECORD, Search
from lambda_arch.searching.branching import Tree
from lambda_arch.searching.cells import Cells, number_of_cells
from lambda_arch.searching.front import Found
from lambda_arch.searching.optimization import Problem, non_dominated
from lambda_arch.searching.relaxation import Relaxation
from lambda_arch.searching.rounding import EXCHANGES
from lambda_arch.searching.slot_tables import SlotTables, Table

MOST_CELLS = 30_000_000
MOST_TABLES = 5_000
MOST_OPTIONS = 5_000
"""Of all slots of a product together."""
STEPS = 0.125, 0.5
"""The least and the greatest step of the weights' exponents."""
STEP = 3.5
"""That step, as a multiple of the square root of the tolerance: what bounds lose grows with its square."""
ROUNDING = 1e-9


class ProductCosts(NamedTuple):
    """What a product's networks cost: fixed, and the tables of its slots with these."""

    fixed: Floats
    slots: Mapping[int, tuple[Table, list[int]]]

    def end(self, end: Callable[..., Floats], is_maximum: Mask) -> Floats:
        """Return the least or the most of every metric."""
        ends = np.array([end(table.costs, axis=0) for table, _ in self.slots.values()])
        slots = np.array([len(own) for _, own in self.slots.values()])
        return np.asarray(np.where(is_maximum, np.maximum(self.fixed, ends.max(axis=0)), self.fixed + slots @ ends))


def bounded_front(
    problem: Problem, tables: SlotTables, tolerance: float, step: Callable[[], None]
) -> tuple[list[Found], Floats] | None:
    """Return networks of each product, and the greatest values of the objectives, by their absolute values.

    Every network that keeps every bound with the tolerance to spare has one within the tolerance among them. None if
    the problem is not one for this: three objectives that add up and keep their signs and at most one that is a
    maximum, upper bounds of these alone, and not too many cells or options, nor too much to divide. ``step`` is called
    for each product.
    """
    is_maximum = problem.costs.is_maximum
    sums = np.flatnonzero(~is_maximum)
    if len(sums) != 3 or len(is_maximum) > 4 or len(problem.objectives) != len(is_maximum):
        return None
    products = [ProductCosts(problem.fixed(product), tables.of(product)) for product in problem.space.products]
    low = np.min([costs.end(np.min, is_maximum) for costs in products], axis=0)
    high = np.max([costs.end(np.max, is_maximum) for costs in products], axis=0)
    if np.isfinite(problem.floors).any() or not (low * high > 0).all() or not np.isfinite(low * high).all():
        return None
    # the objective with the most cells is the one that has none
    numbers = np.log(high[sums] / low[sums]) / np.log1p(np.sign(low[sums]) * tolerance)
    order = [int(column) for column in sums[np.argsort(-numbers, kind="stable")]]
    cells_of = number_of_cells(low[order], high[order], tolerance, problem.bounds[order])
    options = max(sum(len(table.rows) for table, _ in costs.slots.values()) for costs in products)
    number_of_tables = sum(len(costs.slots) for costs in products)
    if cells_of.prod() > MOST_CELLS or number_of_tables > MOST_TABLES or options > MOST_OPTIONS:
        return None
    cells = Cells(low[order], high[order], tolerance, problem.bounds[order], RECORD)
    levels = _levels(products, is_maximum, low, tolerance, problem.bounds) if all(cells.shape) else []
    left = Counter(product for level in levels for product, _ in level)

    def passed(tree: Tree) -> None:
        left[tree.product] -= 1
        if not left[tree.product]:
            step()

    exponent = float(np.clip(STEP * np.sqrt(tolerance), *STEPS))
    trees: list[Tree] = []
    of_trees: list[ProductCosts] = []
    chosen = [np.empty((0, RECORD), np.int32)]
    for level in levels:
        here = [
            Tree(len(trees) + i, product, Relaxation(costs.fixed, costs.slots, order, exponent))
            for i, (product, costs) in enumerate(level)
        ]
        if not Search(here, cells).run(passed):
            return None
        chosen.append(cells.choose())
        trees += here
        of_trees += [costs for _, costs in level]
        for tree in here:
            tree.relaxation.forget()
    for _ in range(len(products) - len(left)):  # those that are equal to others, or beyond a bound
        step()
    return _found(problem, trees, of_trees, np.concatenate(chosen)), np.maximum(np.abs(low), np.abs(high))


def _levels(
    products: list[ProductCosts], is_maximum: Mask, low: Floats, tolerance: float, bounds: Floats
) -> list[list[tuple[int, ProductCosts]]]:
    """Return the products with the options up to each level of the maximum, where these are more than a level before.

    Without a maximum there is one level. Of products with equal costs there is one.
    """
    different: dict[object, tuple[int, ProductCosts]] = {}
    for product, costs in enumerate(products):
        equal = (costs.fixed.tobytes(), *((key, len(own)) for key, (_, own) in costs.slots.items()))
        different.setdefault(equal, (product, costs))
    if not is_maximum.any():
        return [list(different.values())]
    column = int(is_maximum.argmax())
    found: dict[int, list[tuple[int, ProductCosts]]] = {}
    for product, costs in different.values():
        floor = costs.end(np.min, is_maximum)[column]
        level_of = {
            key: np.floor(
                np.log(np.maximum(table.costs[:, column], floor) / low[column]) / np.log1p(tolerance) + ROUNDING
            )
            for key, (table, _) in costs.slots.items()
        }
        for level in np.unique(np.concatenate(list(level_of.values()))):
            if low[column] * (1 + tolerance) ** (level + 1) > bounds[column] * (1 + ROUNDING):
                break
            slots = {}
            for key, (table, own) in costs.slots.items():
                rows = np.flatnonzero(level_of[key] <= level)
                rows = rows[non_dominated(table.costs[rows][:, ~is_maximum])]
                slots[key] = (Table(key, table.costs[rows], table.rows[rows]), own)
            found.setdefault(int(level), []).append((product, ProductCosts(costs.fixed, slots)))
    return [found[level] for level in sorted(found)]


def _found(problem: Problem, trees: list[Tree], costs: list[ProductCosts], records: Indices) -> list[Found]:
    """Return the networks of records, by the product; ``costs``: those of each tree."""
    number, metrics = len(problem.space.products), len(problem.signs)
    totals = [[np.empty((0, metrics))] for _ in range(number)]
    chosen = [[np.empty((0, len(product.slots)), np.int32)] for product in problem.space.products]
    for tree, of_tree in zip(trees, costs, strict=True):
        own = records[records[:, 0] == tree.number]
        if not len(own):
            continue
        networks, weights, instead, times = np.split(own[:, 1:].astype(np.intp), [1, 3, 3 + EXCHANGES], axis=1)
        options = tree.options(networks[:, 0], weights, instead, times)
        taken = np.concatenate([table.costs for table, _ in of_tree.slots.values()])[options]
        both = np.where(problem.costs.is_maximum, taken.max(axis=1), taken.sum(axis=1))
        totals[tree.product].append(problem.combine(both, of_tree.fixed))
        chosen[tree.product].append(tree.relaxation.numbers[options].astype(np.int32))
    return [Found.exact(np.concatenate(a), np.concatenate(b)) for a, b in zip(totals, chosen, strict=True)]
