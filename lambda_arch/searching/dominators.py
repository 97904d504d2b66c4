"""For every row that is not on the front, a row of the front that dominates it."""

import numpy as np
from numpy.typing import NDArray

from lambda_arch.searching.arrays import Floats, Mask, Rows

LEAST = 2**16
"""Up to so many pairs of a row and a member are compared one by one."""


def dominators(values: Floats, on_front: Mask) -> NDArray[np.int64]:
    """Return for each row (all columns minimised) the number of a row on the front that dominates it, -1 on the front.

    ``on_front``: the rows that no other dominates; of rows that are equal all are on the front. Takes n log n steps per
    level for up to three columns, and for each further column log n times as many.
    """
    found = np.full(len(values), -1, np.int64)
    _assign(found, values, np.flatnonzero(on_front), np.flatnonzero(~on_front), values.shape[1])
    return found


def _assign(found: Rows, values: Floats, members: Rows, rows: Rows, columns: int) -> None:
    """Set ``found`` of those ``rows`` for which some of ``members`` is no worse in the first ``columns``.

    Halves all by the last column: each member of the lower half is no worse there than each row of the upper.
    """
    rows = rows[found[rows] < 0]
    if not len(members) or not len(rows):
        return
    if len(members) * len(rows) <= LEAST:
        no_worse = np.all(values[members, :columns] <= values[rows, None, :columns], axis=2)
        found[rows] = np.where(no_worse.any(axis=1), members[no_worse.argmax(axis=1)], -1)
        return
    if columns <= 3:
        _assign_by_three(found, values, members, rows, columns)
        return
    of_members, of_rows = values[members, columns - 1], values[rows, columns - 1]
    if of_members.max() <= of_rows.min():
        _assign(found, values, members, rows, columns - 1)
        return
    middle = np.median(np.concatenate([of_members, of_rows]))
    low, below = of_members <= middle, of_rows <= middle
    if low.all() and below.all():  # the greatest value is more than half of all
        low, below = of_members < middle, of_rows < middle
    _assign(found, values, members[low], rows[~below], columns - 1)
    _assign(found, values, members[low], rows[below], columns)
    _assign(found, values, members[~low], rows[~below], columns)


def _assign_by_three(found: Rows, values: Floats, members: Rows, rows: Rows, columns: int) -> None:
    both = np.concatenate([members, rows])
    x, y, z = (values[both, i] if i < columns else np.zeros(len(both)) for i in range(3))
    best = _least_third(x, y, z, np.arange(len(both)) < len(members))[len(members) :]
    is_member = best < len(members)
    no_worse = is_member & (values[both[best], :columns] <= values[rows, :columns]).all(axis=1)
    found[rows[no_worse]] = both[best[no_worse]]


def _least_third(x: Floats, y: Floats, z: Floats, on_front: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each row the member of least ``z`` among those that are no worse in ``x`` and ``y``.

    The rows, in the order of x, are halved again and again; of each pair of halves the members of the first are looked
    at for the rows of the second, in the order of y, by a running minimum (Kung, Luccio and Preparata, 1975).
    """
    count = len(x)
    by_z = np.lexsort((z, ~on_front))  # members first
    rank_z = np.empty(count, np.int64)
    rank_z[by_z] = np.arange(count)
    place = np.empty(count, np.int64)
    place[np.lexsort((~on_front, x))] = np.arange(count)
    order = np.lexsort((~on_front, y))
    least = np.full(count, count, np.int64)
    for level in reversed(range(int(count - 1).bit_length())):
        if level + 1 < int(count - 1).bit_length():  # of the halves, each in the order of y
            order = order[np.argsort(place[order] >> (level + 1), kind="stable")]
        block, is_second = place[order] >> (level + 1), (place[order] >> level) & 1 == 1
        candidates = np.where(on_front[order] & ~is_second, rank_z[order], count)
        shift = block * (count + 1)  # each block's numbers are below those before it: the minimum begins anew
        running = np.minimum.accumulate(candidates - shift) + shift
        rows = order[is_second]
        least[rows] = np.minimum(least[rows], running[is_second])
    return by_z[np.minimum(least, count - 1)]
