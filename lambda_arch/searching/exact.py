"""The front of a product by dynamic programming: slot by slot, keep the partial networks that no other dominates.

A partial network that another dominates (in every sum and every maximum) can be completed no better than that one, so
nothing is lost. Where more are left than fit, they are thinned, and the error grows by what that costs.

Why for every architecture ``a`` that keeps the bounds some member of the front is worse by ``error`` at most, by
induction over the slots: some partial network ``p`` is kept that is worse than ``a``'s own by the error so far at most,
and that keeps the bounds with the rest of ``a``'s options. Dominance replaces ``p`` by one that is less in all columns,
which is as close and keeps the bounds with the same rest; the bounds drop only what keeps them with no rest; thinning
(see :mod:`~lambda_arch.searching.thinning`) replaces ``p`` by one that is worse by what is added to the error at most
and keeps every bound with every rest that ``p`` keeps it with. After the last slot ``p`` is a network, and keeps the
bounds itself. Errors of sums and maxima alike pass on undiminished at most: max(p, c) - max(a, c) <= max(p - a, 0).

Where so many partial networks are near several bounds that thinning in this way leaves too many, it is done without
regard to bounds. What then has nothing that stays for it is remembered by the least that it can be completed to, and
the error is increased to cover the distance from there to some member: it is infinite if there is none.
"""

from collections.abc import Callable

import numpy as np

from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.arrays import Floats, Indices
from lambda_arch.searching.enumeration import LIMIT
from lambda_arch.searching.front import Found, Front, collect
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.search_space import Listing, Product
from lambda_arch.searching.thinning import thin_out

EXACT_LIMIT = 300_000
"""Partial networks up to which nothing is thinned."""
THINNED = 60_000
"""Partial networks that thinning leaves, about."""
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
        if not len(totals):  # nothing keeps the bounds
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

    Raises :class:`LambdaArchError` for a bound that asks for more of a cost, or less of a gain: what it needs is not
    among what dominance keeps.
    """
    for constraint in problem.constraints:
        if constraint.relation == (">=" if constraint.metric.better == "min" else "<="):
            raise LambdaArchError(
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


def _rest(problem: Problem, options: list[Floats], of: Callable[..., Floats]) -> list[Floats]:
    """Return, after each slot, the least or the most that all later slots can add to each metric."""
    found = [np.where(problem.costs.is_maximum, -np.inf, 0.0)]
    for costs in reversed(options[1:]):
        found.append(problem.combine(found[-1], of(costs, axis=0)))
    return found[::-1]


def _merge(problem: Problem, totals: Floats, options: Floats, least_after: Floats) -> tuple[Floats, Indices, Indices]:
    """Return the non-dominated sums of partial networks and options, with the rows that each is made of."""
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
