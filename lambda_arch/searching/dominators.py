"""For every row that is not on the front, a row of the front that dominates it."""

import numpy as np
from numpy.typing import NDArray

from lambda_arch.searching.arrays import Floats


def dominators(values: Floats) -> NDArray[np.int64]:
    """Return for each row (all columns minimised) the number of a row on the front that dominates it, -1 on the front.

    Of rows that are equal all are on the front. Up to three columns take n log n steps, more of them as many as there
    are dominated rows times members.
    """
    import moocore

    found = np.full(len(values), -1, np.int64)
    if len(values) < 2:
        return found
    if values.shape[1] == 1:
        least = int(values[:, 0].argmin())
        found[values[:, 0] > values[least, 0]] = least
        return found
    on_front = np.asarray(moocore.is_nondominated(values, keep_weakly=True))
    if on_front.all():
        return found
    if values.shape[1] > 3:
        members = np.flatnonzero(on_front)
        for row in np.flatnonzero(~on_front):
            found[row] = members[(values[members] <= values[row]).all(axis=1).argmax()]
        return found
    third = values[:, 2] if values.shape[1] == 3 else np.zeros(len(values))
    best = _least_third(values[:, 0], values[:, 1], third, on_front)
    rest = ~on_front
    found[rest] = best[rest]
    return found


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
