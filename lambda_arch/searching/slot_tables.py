"""The non-dominated options of slots; slots with equal costs share them."""

from typing import NamedTuple

from lambda_arch.searching.arrays import Floats, Rows
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.search_space import Listing, Product, Slot


class Table(NamedTuple):
    """The non-dominated options of a slot: costs (options x metrics), and their numbers. Equal tables have one key."""

    key: int
    costs: Floats
    rows: Rows


class SlotTables:
    """The tables of a problem's slots, each made once. ``numbers``: those of what is equal."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.numbers: dict[object, int] = {}
        self._made: dict[object, Table] = {}

    def of(self, product: Product | Listing) -> dict[int, tuple[Table, list[int]]]:
        """Return the tables of a product by their keys, each with the numbers of the slots that have it."""
        found: dict[int, tuple[Table, list[int]]] = {}
        slots: tuple[Slot | Listing, ...] = product.slots
        for i, slot in enumerate(slots):
            table = self._table(product, slot)
            found.setdefault(table.key, (table, []))[1].append(i)
        return found

    def _table(self, product: Product | Listing, slot: Slot | Listing) -> Table:
        name: object = id(slot)
        if isinstance(product, Product) and isinstance(slot, Slot):
            base = product.base
            settings = (base.depth, base.image_size, base.stem, base.stride, base.pool, base.shortcut_bias)
            where = tuple(
                (id(column.blocks), id(column.index), *((i, min(j, 1)) for i, j in column.places))
                for column in slot.columns
            )
            name = (settings, base.activation, where)
        if name not in self._made:
            costs = self.problem.slot(product, slot)
            rows = self.problem.non_dominated(costs)
            key = self.numbers.setdefault((costs[rows].tobytes(), rows.tobytes()), len(self.numbers))
            self._made[name] = Table(key, costs[rows], rows)
        return self._made[name]
