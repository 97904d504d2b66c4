"""The front of a product by dynamic programming: slot by slot, keep the partial networks that no other dominates.

A partial network that another dominates (in every sum and every maximum) can be completed no better than that one, so
nothing is lost. Where more are left than fit, they are thinned: of those in one cell of a grid one is kept, and how
much worse it is than the others is added to the error, metric by metric. So at the end, for every architecture some
member of the front is worse by the error at most.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lambda_arch.arch import ArchitectureError
from lambda_arch.searching.enumeration import LIMIT
from lambda_arch.searching.front import Found, Front, collect
from lambda_arch.searching.problem import Problem
from lambda_arch.searching.space import Product

EXACT_LIMIT = 300_000
"""Partial networks up to which nothing is thinned."""
THINNED = 60_000
"""Partial networks that thinning leaves, about."""
CHUNK = 2_000_000
FEW = 48  # a metric of so few distinct values is a cell for each of them

Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Step = Callable[[], None]


def _silent() -> None:
    pass


def front_of_product(
    problem: Problem, product: Product, *, limit: int = EXACT_LIMIT, thinned: int = THINNED, step: Step = _silent
) -> Found:
    """Return the front of ``product`` in all metrics of ``problem``, and its error.

    More than ``limit`` partial networks are thinned to about ``thinned``. ``step`` is called after every slot.
    """
    options = [problem.slot(product, slot) for slot in product.slots]
    kept = [problem.non_dominated(costs) for costs in options]
    order = sorted(range(len(options)), key=lambda i: len(kept[i]))
    options = [costs[rows] for costs, rows in zip(options, kept, strict=True)]
    rest = _least_of_rest(problem, [options[i] for i in order])
    totals = problem.fixed(product)[None, :]
    error = np.zeros(totals.shape[1])
    steps: list[tuple[Indices, Indices]] = []
    for i, after in zip(order, rest, strict=True):
        totals, parent, option = _merge(problem, totals, options[i], after)
        if not len(totals):  # nothing keeps the bounds
            return Found(totals, np.empty((0, len(order)), np.int32), error)
        if len(totals) > limit:
            rows, more = thin_out(totals, thinned)
            totals, parent, option = totals[rows], parent[rows], option[rows]
            error += more
        steps.append((parent, option))
        step()
    chosen = np.empty((len(totals), len(order)), np.int32)
    at = np.arange(len(totals), dtype=np.int32)
    for i, (parent, option) in zip(reversed(order), reversed(steps), strict=True):
        chosen[:, i] = kept[i][option[at]]
        at = parent[at]
    return Found(totals, chosen, error)


def exact_front(problem: Problem, *, limit: int = EXACT_LIMIT, thinned: int = THINNED, step: Step = _silent) -> Front:
    """Return the front of a space, exact or with its error.

    Raises :class:`ArchitectureError` for a bound that asks for more of a cost, or less of a gain: what it needs is not
    among what dominance keeps.
    """
    for constraint in problem.constraints:
        if constraint.relation == (">=" if constraint.metric.better == "min" else "<="):
            raise ArchitectureError(
                f"{constraint}: a bound against what is better needs all of a space; expected one of at most "
                f"{LIMIT:,} architectures, where {problem.space.name} has {approximately(problem.space.size)}"
            )
    products = problem.space.products
    found = [front_of_product(problem, product, limit=limit, thinned=thinned, step=step) for product in products]
    how = f"dynamic programming over {approximately(problem.space.size)} architectures"
    return collect(problem, "exact", how, found, problem.space.size)


def approximately(size: int) -> str:
    """Write a size for a person: ``1,080,150``, ``4.5e+39``."""
    return f"{size:,}" if size < 10**9 else f"{size:.2g}"


def _least_of_rest(problem: Problem, options: list[Floats]) -> list[Floats]:
    """Return, after each slot, the least that all later slots can add to each metric."""
    identity = np.where(problem.costs.is_maximum, -np.inf, 0.0)
    found = [identity]
    for costs in reversed(options[1:]):
        found.append(problem.combine(found[-1], costs.min(axis=0)))
    return found[::-1]


def _merge(problem: Problem, totals: Floats, options: Floats, after: Floats) -> tuple[Floats, Indices, Indices]:
    """Return the non-dominated sums of partial networks and options, with the rows that each is made of."""
    step = max(1, CHUNK // len(options))
    parts: list[tuple[Floats, Indices, Indices]] = []
    for start in range(0, len(totals), step):
        part = totals[start : start + step]
        sums = problem.combine(part[:, None, :], options[None, :, :]).reshape(-1, totals.shape[1])
        possible = np.flatnonzero((problem.combine(sums, after) <= problem.bounds + 1e-6).all(axis=1))
        rows = possible[problem.non_dominated(sums[possible])]
        parts.append(
            (sums[rows], (start + rows // len(options)).astype(np.int32), (rows % len(options)).astype(np.int32))
        )
    sums, parent, option = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if len(parts) > 1:
        rows = problem.non_dominated(sums)
        sums, parent, option = sums[rows], parent[rows], option[rows]
    return sums, parent, option


def thin_out(totals: Floats, wanted: int) -> tuple[NDArray[np.intp], Floats]:
    """Return at most ``wanted`` rows, one a cell of a grid, and how much worse they are at most.

    For every row of ``totals`` one that is returned is worse by the second answer at most, in each column. A column of
    few distinct values has a cell for each of them, where that leaves few enough.
    """
    low, high = totals.min(axis=0), totals.max(axis=0)
    scaled = (totals - low) / np.where(high > low, high - low, 1.0)
    distinct = [np.unique(column, return_inverse=True)[1] for column in totals.T]
    apart = [column if column.max() < FEW else None for column in distinct]
    if len(np.unique(_cells(scaled, apart, 1))) > wanted:
        apart = [None] * len(apart)
    coarse, fine = 1, 2**20
    while fine - coarse > max(1, coarse // 50):
        middle = (coarse + fine) // 2
        if len(np.unique(_cells(scaled, apart, middle))) > wanted:
            fine = middle
        else:
            coarse = middle
    cells = _cells(scaled, apart, coarse)
    order = np.lexsort((scaled.sum(axis=1), cells))
    first = np.flatnonzero(np.diff(cells[order], prepend=-1))
    rows = order[first]
    behind = np.repeat(rows, np.diff(first, append=len(order)))
    worse = (totals[behind] - totals[order]).max(axis=0)
    return np.sort(rows), np.maximum(worse, 0.0)


def _cells(scaled: Floats, apart: list[NDArray[np.intp] | None], resolution: int) -> NDArray[np.int64]:
    """Return the number of each row's cell: ``resolution`` intervals a column, or its own number where that is told."""
    cells = np.zeros(len(scaled), np.int64)
    for column, own in zip(scaled.T, apart, strict=True):
        number = resolution if own is None else FEW
        here = np.minimum((column * resolution).astype(np.int64), resolution - 1) if own is None else own
        cells = cells * number + here
        if cells.max() > 2**62 // 2**20:
            cells = np.unique(cells, return_inverse=True)[1].astype(np.int64)
    return cells
