"""The front of a small space, by counting all of its architectures."""

import numpy as np

from lambda_arch.searching.front import Found, Front, collect
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.search_space import Listing, Product

LIMIT = 3_000_000
"""The largest size of a space that is enumerated."""


def enumerate_front(problem: Problem) -> Front:
    """Return the exact front of a space by enumerating it."""
    found = [_of_product(problem, product) for product in problem.space.products]
    size = problem.space.size
    return collect(problem, "enumerate", f"all {size:,} architectures counted", found, size)


def _of_product(problem: Problem, product: Product | Listing) -> Found:
    totals = problem.fixed(product)[None, :]
    for slot in product.slots:
        options = problem.slot(product, slot)
        totals = problem.combine(totals[:, None, :], options[None, :, :]).reshape(-1, totals.shape[1])
    kept = np.flatnonzero(problem.allowed(totals))
    kept = kept[problem.non_dominated(totals[kept], len(problem.objectives))]
    digits = np.unravel_index(kept, [slot.size for slot in product.slots])
    return Found.exact(totals[kept], np.stack(digits, axis=1).astype(np.int32))
