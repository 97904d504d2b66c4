"""The front of a small space, by counting all of its architectures."""

import numpy as np

from lambda_arch.arch import STAGES
from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.exact_pairs import lambda_shares, pair_weights, top1_column
from lambda_arch.searching.front import Found, Front, collect
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.search_space import Listing, Product, Slot

LIMIT = 3_000_000
"""The largest size of a space that is enumerated."""


def enumerate_front(problem: Problem) -> Front:
    """Return the exact front of a space by enumerating it."""
    found = [_of_product(problem, product) for product in problem.space.products]
    size = problem.space.size
    return collect(problem, "enumerate", f"all {size:,} architectures counted", found, size)


def approximately(size: int) -> str:
    """Write a size for people: ``1,080,150``, ``4.5e+39``."""
    if size < 10**9:
        return f"{size:,}"
    if size < 10**300:
        return f"{size:.2g}"
    digits = len(str(size)) - 1  # more than a float can be
    return f"{size // 10 ** (digits - 1) / 10:.2g}e+{digits}"


def check_bounds(problem: Problem) -> None:
    """Raise :class:`LambdaArchError` for a bound that only an enumeration keeps: against what is better."""
    for constraint in problem.constraints:
        if constraint.relation == (">=" if constraint.metric.better == "min" else "<="):
            raise LambdaArchError(
                f"{constraint}: a bound against what is better needs all of a space; expected one of at most "
                f"{LIMIT:,} architectures, where {problem.space.name} has {approximately(problem.space.size)}"
            )


def _of_product(problem: Problem, product: Product | Listing) -> Found:
    totals = problem.fixed(product)[None, :]
    shares = np.zeros((1, len(STAGES)))
    weights = pair_weights(problem)
    for slot in product.slots:
        options = problem.slot(product, slot)
        if isinstance(product, Product) and isinstance(slot, Slot) and weights.any():
            shares = (shares[:, None, :] + lambda_shares(product, slot)[None, :, :]).reshape(-1, len(STAGES))
        totals = problem.combine(totals[:, None, :], options[None, :, :]).reshape(-1, totals.shape[1])
    if weights.any() and isinstance(product, Product):
        totals[:, top1_column(problem)] -= (shares[:, :-1] * shares[:, 1:]) @ weights
    kept = np.flatnonzero(problem.allowed(totals))
    kept = kept[problem.non_dominated(totals[kept], len(problem.objectives))]
    digits = np.unravel_index(kept, [slot.size for slot in product.slots])
    return Found.exact(totals[kept], np.stack(digits, axis=1).astype(np.int32))
