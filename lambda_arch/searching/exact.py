"""The front of a product by dynamic programming: slot by slot, keep the non-dominated partial networks.

A dominated partial network (no better in any sum or maximum) can be completed no better than the one that dominates
it, so nothing is lost by dropping it. If too many are left, they are thinned, and the error grows accordingly.

Claim: for every architecture ``a`` within the bounds, some member of the front is worse by at most ``error``. By
induction over the slots, some kept partial network ``p`` is worse than ``a``'s own by at most the error so far, and
stays within the bounds when it is completed with the rest of ``a``'s options. Dominance replaces ``p`` by one that is
no larger in any column, for which the same holds. The bounds drop only what no completion brings within them. Thinning
(see :mod:`~lambda_arch.searching.thinning`) replaces ``p`` by one that is worse by at most the added error, and that
stays within the bounds with every completion with which ``p`` does. After the last slot ``p`` is a network within the
bounds. An error never grows by completion, in sums or in maxima: max(p, c) - max(a, c) <= max(p - a, 0).

If so many partial networks are near several bounds that this leaves too many, thinning ignores the bounds. Of those
that then lose their replacement, the least possible completion is remembered, and the error is increased by the
distance from there to some member. It is infinite if there is none.
"""

from collections.abc import Callable

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices
from lambda_arch.searching.enumeration import approximately, check_bounds
from lambda_arch.searching.exact_pairs import front_with_pairs, pair_weights
from lambda_arch.searching.front import Found, Front, collect
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.search_space import Listing, Product
from lambda_arch.searching.thinning import thin_out

EXACT_LIMIT = 300_000
"""The largest number of partial networks that are not thinned."""
THINNED = 60_000
"""About how many partial networks thinning leaves."""
CHUNK = 2_000_000
Step = Callable[[], None]


def _silent() -> None:
    pass


def front_of_product(
    problem: Problem,
    product: Product | Listing,
    *,
    limit: int = EXACT_LIMIT,
    thinned: int = THINNED,
    step: Step = _silent,
) -> Found:
    """Return the front of ``product`` in all metrics of ``problem``, and its error.

    More than ``limit`` partial networks are thinned to about ``thinned``. ``step`` is called after every slot.
    """
    if isinstance(product, Product) and pair_weights(problem).any():
        return front_with_pairs(problem, product, limit=limit, thinned=thinned, step=step)
    options = [problem.slot(product, slot) for slot in product.slots]
    kept = [problem.non_dominated(costs) for costs in options]
    order = sorted(range(len(options)), key=lambda i: len(kept[i]))
    options = [costs[rows] for costs, rows in zip(options, kept, strict=True)]
    least, most = (_rest(problem, [options[i] for i in order], of) for of in (np.min, np.max))
    totals = problem.fixed(product)[None, :]
    error = np.zeros(totals.shape[1])
    lost = np.full(totals.shape[1], np.inf)
    steps: list[tuple[Indices, Indices]] = []
    for i, least_after, most_after in zip(order, least, most, strict=True):
        totals, parent, option = _merge(problem, totals, options[i], least_after)
        if not len(totals):  # nothing is within the bounds
            return Found(totals, np.empty((0, len(order)), np.int32), error, lost)
        if len(totals) > limit:
            slack = np.where(problem.costs.is_maximum, np.inf, problem.bounds - most_after)
            rows, more = thin_out(totals, thinned, slack)
            if len(rows) > limit:
                lost = np.minimum(lost, problem.combine(totals, least_after).min(axis=0))
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
    return Found(totals, chosen, error, lost)


def exact_front(problem: Problem, *, limit: int = EXACT_LIMIT, thinned: int = THINNED, step: Step = _silent) -> Front:
    """Return the front of a space, exact or with its error.

    Raises :class:`LambdaArchError` for a lower bound on a cost or an upper bound on a gain, because dominance drops the
    architectures that such a bound needs.
    """
    check_bounds(problem)
    products = problem.space.products
    found = [front_of_product(problem, product, limit=limit, thinned=thinned, step=step) for product in products]
    how = f"dynamic programming over {approximately(problem.space.size)} architectures"
    return collect(problem, "exact", how, found, problem.space.size)


def _rest(problem: Problem, options: list[Floats], of: Callable[..., Floats]) -> list[Floats]:
    """Return, for each slot, the least or the most that all later slots can add to each metric."""
    found = [np.where(problem.costs.is_maximum, -np.inf, 0.0)]
    for costs in reversed(options[1:]):
        found.append(problem.combine(found[-1], of(costs, axis=0)))
    return found[::-1]


def _merge(problem: Problem, totals: Floats, options: Floats, least_after: Floats) -> tuple[Floats, Indices, Indices]:
    """Return the non-dominated sums of partial networks and options, with the two rows of which each is the sum."""
    step = max(1, CHUNK // len(options))
    parts: list[tuple[Floats, Indices, Indices]] = []
    for start in range(0, len(totals), step):
        part = totals[start : start + step]
        sums = problem.combine(part[:, None, :], options[None, :, :]).reshape(-1, totals.shape[1])
        possible = np.flatnonzero((problem.combine(sums, least_after) <= problem.bounds).all(axis=1))
        rows = possible[problem.non_dominated(sums[possible])]
        parts.append(
            (sums[rows], (start + rows // len(options)).astype(np.int32), (rows % len(options)).astype(np.int32))
        )
    sums, parent, option = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if len(parts) > 1:
        rows = problem.non_dominated(sums)
        sums, parent, option = sums[rows], parent[rows], option[rows]
    return sums, parent, option
