"""The front of a product whose accuracy has interactions of neighbouring stages, by dynamic programming with a state.

An interaction is a product of two stages' shares of lambda layers. Slot by slot, partial networks are compared only
where they have the same shares in all stages of which an interaction is still open; it is added as soon as both stages
are complete. Among those the argument of :mod:`~lambda_arch.searching.exact` holds: a completion adds the same to each.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from lambda_arch.arch import BLOCKS, STAGES, Lambda
from lambda_arch.searching.arrays import Floats, Indices
from lambda_arch.searching.front import Found
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.search_space import Product, Slot
from lambda_arch.searching.thinning import thin_out


def lambda_shares(product: Product, slot: Slot) -> Floats:
    """Return what each option of a slot adds to the stages' shares of lambda layers: options x stages."""
    found = np.zeros((slot.size, len(STAGES)))
    for column in slot.columns:
        is_lambda = np.array([isinstance(block.layer, Lambda) for block in column.blocks], float)[column.index]
        for stage, _ in column.places:
            found[:, stage] += is_lambda / BLOCKS[product.base.depth][stage]
    return found


def pair_weights(problem: Problem) -> Floats:
    """Return the weights of interactions in the problem's accuracies; empty if there are none."""
    model = problem.costs.accuracy
    return np.empty(0) if model is None else model.pair_weights


def top1_column(problem: Problem) -> int:
    """Return the column of accuracies."""
    return [metric.name for metric in problem.costs.metrics].index("top1")


def front_with_pairs(
    problem: Problem, product: Product, *, limit: int, thinned: int, step: Callable[[], None]
) -> Found:
    """Return the front of ``product`` and its error; the arguments are those of ``exact.front_of_product``."""
    weights, column = pair_weights(problem), top1_column(problem)
    slots = sorted(range(len(product.slots)), key=lambda i: min(product.slots[i].places))
    options = [problem.slot(product, product.slots[i]) for i in slots]
    added = [lambda_shares(product, product.slots[i]) for i in slots]
    stages = [{stage for stage, _ in product.slots[i].places} for i in slots]
    complete = [max(t for t, of_slot in enumerate(stages) if s in of_slot) for s in range(len(STAGES))]
    ends = [max(pair) for pair in pairwise(complete)]
    totals, shares = problem.fixed(product)[None, :], np.zeros((1, len(STAGES)))
    chosen: Indices = np.empty((1, 0), np.int32)
    error = np.zeros(totals.shape[1])
    for t, (costs, own) in enumerate(zip(options, added, strict=True)):
        pending = np.array([end > t for end in ends])
        rest = [np.where(problem.costs.is_maximum, -np.inf, 0.0) for _ in range(2)]
        for later in options[t + 1 :]:
            rest = [problem.combine(rest[0], later.min(axis=0)), problem.combine(rest[1], later.max(axis=0))]
        rest[0][column] -= np.maximum(weights[pending], 0).sum()
        rest[1][column] += np.maximum(-weights[pending], 0).sum()
        sums = problem.combine(totals[:, None, :], costs[None, :, :]).reshape(-1, totals.shape[1])
        both = np.round((shares[:, None, :] + own[None, :, :]).reshape(-1, len(STAGES)), 9)
        for pair, end in enumerate(ends):
            if end == t:
                sums[:, column] -= weights[pair] * both[:, pair] * both[:, pair + 1]
        matters = [any(pending[p] for p in (s - 1, s) if 0 <= p < len(ends)) for s in range(len(STAGES))]
        possible = np.flatnonzero((problem.combine(sums, rest[0]) <= problem.bounds).all(axis=1))
        slack = np.where(problem.costs.is_maximum, np.inf, problem.bounds - rest[1])
        rows, more = _kept(problem, sums, both[:, matters], possible, limit, thinned, slack)
        error += more
        number = len(costs)
        chosen = np.column_stack([chosen[rows // number], (rows % number).astype(np.int32)])
        totals, shares = sums[rows], both[rows]
        step()
    in_order = np.empty_like(chosen)
    in_order[:, slots] = chosen
    return Found(totals, in_order, error, np.full(totals.shape[1], np.inf))


def _kept(
    problem: Problem, sums: Floats, states: Floats, possible: np.ndarray, limit: int, thinned: int, slack: Floats
) -> tuple[np.ndarray, Floats]:
    """Return the rows to keep, state by state, and the error of thinning them."""
    none = np.zeros(sums.shape[1])
    if not len(possible):
        return possible, none
    state = np.unique(states[possible], axis=0, return_inverse=True)[1].reshape(-1)
    groups = [possible[state == each] for each in range(state.max() + 1)]
    groups = [group[problem.non_dominated(sums[group])] for group in groups]
    total = sum(map(len, groups))
    if total <= limit:
        return np.sort(np.concatenate(groups)), none
    kept, error = [], none
    for group in groups:
        rows, more = thin_out(sums[group], max(1, thinned * len(group) // total), slack)
        kept.append(group[rows])
        error = np.maximum(error, more)
    return np.sort(np.concatenate(kept)), error
