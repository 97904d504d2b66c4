"""Thinning: keep fewer partial networks, such that every dropped one has a close replacement.

A replacement must serve for the dropped partial network *with every completion*. In an objective it may be worse, by an
error that is reported. In a bounded sum it may not be larger, or a completion could break the bound only with the
replacement, unless no completion breaks the bound with either: ``slack`` is the largest partial sum for which that is
true. Bounded maxima do not matter: if a partial network and a completion are each within such a bound, so are both
together.
"""

import numpy as np
from numpy.typing import NDArray

from lambda_arch.searching.arrays import Floats, Mask, Rows

FEW = 48  # a metric with fewer distinct values has one interval for each of them


def thin_out(totals: Floats, wanted: int, slack: Floats | None = None) -> tuple[Rows, Floats]:
    """Return about ``wanted`` of the rows of ``totals``, and the error of each column.

    For every row ``d`` a row ``r`` is kept with ``r <= d + error`` and ``r <= max(d, slack)`` in each column: it is no
    closer to a bound, or not near it. The rows are divided into the cells of a grid. Each cell keeps its non-dominated
    rows in the columns that exceed the slack, or a single row if there is no such column. These may be more than
    ``wanted`` if a coarser grid does not help.
    """
    slack = np.full(totals.shape[1], np.inf) if slack is None else slack
    low, high = totals.min(axis=0), totals.max(axis=0)
    scaled = (totals - low) / np.where(high > low, high - low, 1.0)
    distinct: list[Rows | None] = [np.unique(column, return_inverse=True)[1] for column in totals.T]
    values = [column if column is not None and column.max() < FEW else None for column in distinct]
    if len(np.unique(_cells(scaled, values, 1))) > wanted:
        values = [None] * len(values)
    coarse, fine = 1, 2**20
    while fine - coarse > max(1, coarse // 50):
        middle = (coarse + fine) // 2
        if len(np.unique(_cells(scaled, values, middle))) > wanted:
            fine = middle
        else:
            coarse = middle
    critical = np.flatnonzero(high > slack)
    near_bound = np.maximum(totals[:, critical], slack[critical])
    while True:
        cells = np.unique(_cells(scaled, values, coarse), return_inverse=True)[1]
        kept = _least_of_cells(cells, scaled, near_bound)
        if kept.sum() <= wanted or (coarse == 1 and all(each is None for each in values)):
            return np.flatnonzero(kept), _error(totals, cells, kept, slack)
        values = values if coarse > 1 else [None] * len(values)
        coarse = max(1, coarse // 2)


def _cells(scaled: Floats, values: list[Rows | None], resolution: int) -> NDArray[np.int64]:
    """Return the number of each row's cell in a grid of ``resolution`` intervals, or one per value, per column."""
    cells = np.zeros(len(scaled), np.int64)
    for column, own in zip(scaled.T, values, strict=True):
        number = resolution if own is None else FEW
        here = np.minimum((column * resolution).astype(np.int64), resolution - 1) if own is None else own
        cells = cells * number + here
        if cells.max() > 2**62 // 2**20:
            cells = np.unique(cells, return_inverse=True)[1].astype(np.int64)
    return cells


def _least_of_cells(cells: Rows, scaled: Floats, near_bound: Floats) -> Mask:
    """Return which rows are kept: the least of each cell, or all that are non-dominated in ``near_bound``."""
    if near_bound.shape[1] > 1:
        import moocore

        # rows of different cells do not dominate each other, because of the last two columns
        apart = np.column_stack([near_bound, cells, -cells]).astype(np.float64)
        return np.asarray(moocore.is_nondominated(apart, keep_weakly=False))
    order = np.lexsort((scaled.sum(axis=1), *near_bound.T, cells))
    kept = np.zeros(len(cells), np.bool_)
    kept[order[np.flatnonzero(np.diff(cells[order], prepend=-1))]] = True
    return kept


def _error(totals: Floats, cells: Rows, kept: Mask, slack: Floats) -> Floats:
    """Return, per column, by how much the replacement of a dropped row can exceed it."""
    most = np.full((cells.max() + 1, totals.shape[1]), -np.inf)
    np.maximum.at(most, cells[kept], totals[kept])
    gone = totals[~kept]
    worse = np.minimum(most[cells[~kept]], np.maximum(gone, slack)) - gone
    return np.asarray(np.maximum(worse.max(axis=0, initial=0.0), 0.0))
