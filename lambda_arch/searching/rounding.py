"""Networks close to a point of a relaxation.

At the weights of the bound, networks on the hull have the least weighted cost, and a point between them mixes options
in two slots at most (Shapley and Folkman). So start from the cheapest options at the weights, find the two exchanges of
options, each made as often as needed, that lead to the point at the least weighted cost, round both numbers down and
up, and make up to two more exchanges that cost little.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices, Rows
from lambda_arch.searching.relaxation import Open, Relaxation

NEAR = np.array([(i, j) for i in (-1, 0, 1, 2) for j in (-1, 0, 1, 2)])
"""What is added to the two numbers of exchanges, rounded down."""
CHUNK = 64
EXCHANGES = 4
"""The most kinds of exchanges in a network."""


class Rounded(NamedTuple):
    """Networks: ``row``, of the point that they are close to, and totals (n x 3).

    ``exchanges`` returns, for some of them, the options that are taken instead of the cheapest of their table (n x 4),
    and in how many slots (n x 4). Most are not asked for.
    """

    row: Rows
    totals: Floats
    exchanges: Callable[[Rows], tuple[Indices, Indices]]


def nearby(
    relaxation: Relaxation, networks: Open, weights: Rows, points: Floats, kinds: int, most: Floats
) -> Iterator[Rounded]:
    """Yield those of ``networks`` (n) that are close to points (n x 2), whose bounds are greatest at weights (n x 2).

    ``kinds``: how many kinds of exchanges are tried, those that cost least; ``most``: by how much a network's weighted
    cost may be above the least (n).
    """
    for start in range(0, len(points), CHUNK):
        chunk = np.arange(start, min(start + CHUNK, len(points)))
        found = _nearby(relaxation, networks.rows(chunk), weights[chunk], points[chunk], kinds, most[chunk])
        yield found._replace(row=found.row + start)


def _nearby(relaxation: Relaxation, networks: Open, weights: Rows, points: Floats, kinds: int, most: Floats) -> Rounded:
    number, rows = len(points), np.arange(len(points))[:, None]
    tables = len(relaxation.counts)
    cheapest, options, excess = _exchanges(relaxation, networks, weights, kinds)
    kinds = options.shape[1]
    table = relaxation.table[options]
    change = relaxation.options[options] - relaxation.options[cheapest[rows, table]]
    base = networks.fixed + (networks.counts[:, :, None] * relaxation.options[cheapest]).sum(axis=1)
    pair, times = _mix(change, excess, table, networks.counts, points - base[:, 1:])

    # no exchange is one more kind, of one more table
    none, more = kinds, tables
    change = np.concatenate([change, np.zeros((number, 1, 3))], axis=1)
    table = np.concatenate([table, np.full((number, 1), more)], axis=1)
    options = np.concatenate([options, np.full((number, 1), -1)], axis=1)
    excess = np.concatenate([excess, np.zeros((number, 1))], axis=1)
    extra = np.array([(i, j) for i in range(none + 1) for j in range(i, none + 1)])
    numbers = times[:, None] + NEAR
    left = np.repeat(np.append(networks.counts, np.full((number, 1), EXCHANGES), axis=1)[:, None], len(NEAR), axis=1)
    for which in range(2):
        own = table[rows, pair[:, which : which + 1]]
        np.subtract.at(left, (rows, np.arange(len(NEAR)), own), numbers[..., which])
    mixed = base[:, None] + (numbers[..., None] * change[rows, pair][:, None]).sum(axis=2)
    i, k = np.nonzero((numbers >= 0).all(axis=2) & (left >= 0).all(axis=2))
    spare = left[i, k][np.arange(len(i))[:, None], table[i]]  # of the table of each kind
    one, other = extra.T
    twice = (table[:, one] == table[:, other]) & (table[:, one] != more)
    possible = (spare > 0)[:, one] & (spare > 0)[:, other] & ((spare > 1)[:, one] | ~twice[i])
    own = np.where(numbers > 0, excess[rows, pair][:, None], 0.0)  # kinds that are never taken may cost infinity
    mixture = (numbers * own).sum(axis=2)[i, k]
    possible &= (excess[:, one] + excess[:, other])[i] <= (most[i] - mixture)[:, None]
    near, e = np.nonzero(possible)
    i, k = i[near], k[near]
    totals = mixed[i, k] + change[i, one[e]] + change[i, other[e]]

    def exchanges(rows: Rows) -> tuple[Indices, Indices]:
        at = i[rows]
        kind = np.concatenate([pair[at], extra[e[rows]]], axis=1)
        often = np.concatenate([numbers[at, k[rows]], np.ones((len(at), 2), np.int64)], axis=1)
        return options[at[:, None], kind].astype(np.int32), often.astype(np.int32)

    return Rounded(i, totals, exchanges)


def _exchanges(relaxation: Relaxation, networks: Open, weights: Rows, kinds: int) -> tuple[Rows, Rows, Floats]:
    """Return the cheapest option of each table (n x tables), and those to take instead that cost least (n x kinds).

    And how much more these cost: infinity for what is the cheapest itself, or of a table without open slots.
    """
    weighted = relaxation.weighted(weights)
    cheapest = relaxation.cheapest(weighted)
    excess = weighted - np.take_along_axis(weighted, cheapest, axis=1)[:, relaxation.table]
    excess[networks.counts[:, relaxation.table] == 0] = np.inf
    np.put_along_axis(excess, cheapest, np.inf, axis=1)
    kinds = min(kinds, excess.shape[1] - 1)
    options = np.argpartition(excess, kinds, axis=1)[:, :kinds]
    return cheapest, options, np.take_along_axis(excess, options, axis=1)


def _mix(change: Floats, excess: Floats, table: Rows, counts: Indices, wanted: Floats) -> tuple[Rows, Rows]:
    """Return the two exchanges that lead to ``wanted`` (n x 2) at the least weighted cost, and how often, rounded down.

    Never, where no two of them do.
    """
    rows = np.arange(len(wanted))
    if change.shape[1] < 2:
        return np.zeros((len(wanted), 2), np.intp), np.zeros((len(wanted), 2), np.int64)
    first, second = np.triu_indices(change.shape[1], 1)
    a, b = change[:, first, 1:], change[:, second, 1:]
    ahead, back = a[..., 0] * b[..., 1], a[..., 1] * b[..., 0]
    determinant = np.where(np.abs(ahead - back) > 1e-9 * np.abs(ahead), ahead - back, np.nan)
    x, y = wanted[:, None, 0], wanted[:, None, 1]
    one = (x * b[..., 1] - y * b[..., 0]) / determinant
    other = (a[..., 0] * y - a[..., 1] * x) / determinant
    slots = np.take_along_axis(counts, table, axis=1)
    together = np.where(table[:, first] == table[:, second], one + other, 0.0)
    most, least = slots[:, first], slots[:, second]
    possible = (one >= 0) & (other >= 0) & (one <= most) & (other <= least) & (together <= most)
    possible &= np.isfinite(excess[:, first] + excess[:, second])
    with np.errstate(invalid="ignore"):
        cost = np.where(possible, excess[:, first] * one + excess[:, second] * other, np.inf)
    best = cost.argmin(axis=1)
    found = np.isfinite(cost[rows, best])
    times = np.stack([one[rows, best], other[rows, best]], axis=1)
    pair = np.stack([first[best], second[best]], axis=1)
    return pair, np.where(found[:, None], np.floor(times), 0).astype(np.int64)
