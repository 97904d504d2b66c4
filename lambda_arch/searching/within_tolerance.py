"""The front of a space that is too large for an exact one: every architecture has a member within a tolerance."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.bounded_front import bounded_front
from lambda_arch.searching.enumeration import approximately, check_bounds
from lambda_arch.searching.exact_pairs import pair_weights
from lambda_arch.searching.front import Front, collect
from lambda_arch.searching.merging import merged_front
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.slot_tables import SlotTables

DEFAULT = 0.005
"""The tolerance of a space that is too large to be searched without one."""
VAST = 100_000
"""Spaces with more options than that, over all slots of all products, are."""


def check_tolerance(tolerance: float) -> None:
    """Raise :class:`LambdaArchError` for a tolerance that is none."""
    if not 0 < tolerance <= 0.1:
        raise LambdaArchError(f"tolerance={tolerance:g}: expected more than 0 and at most 0.1, such as 0.001")


def is_vast(space: Space) -> bool:
    """Return whether a space is too large to be searched without a tolerance."""
    return sum(slot.size for product in space.products for slot in product.slots) > VAST


def front_within(problem: Problem, tolerance: float | None, step: Callable[[], None] = lambda: None) -> Front:
    """Return a front such that every architecture has a member that is worse by at most ``tolerance``, relatively.

    The tolerance is DEFAULT unless given, and the front says so. With bounds that holds for architectures that keep
    every bound with the tolerance to spare. By branch and bound where the problem allows it and such architectures
    exist, else by merging parts, which also finds some that only just keep the bounds.
    ``step`` is called after every product.

    Raises :class:`LambdaArchError` for an accuracy model with pairs, and as :func:`check_tolerance` does.
    """
    because = ""
    if tolerance is None:
        tolerance = DEFAULT
        because = f", within {100 * tolerance:g}% because there are so many"
    check_tolerance(tolerance)
    if pair_weights(problem).any():
        raise LambdaArchError(
            f"{problem.space.name}: expected an accuracy model without pairs for a search within {tolerance:.2%}"
        )
    check_bounds(problem)
    tables = SlotTables(problem)
    how, found = "branch and bound", bounded_front(problem, tables, tolerance, step)
    if found is None or not any(len(each.totals) for each in found[0]):
        how, found = "pairwise merging", merged_front(problem, tables, tolerance, step)
    candidates, greatest = found
    how += f" over {approximately(problem.space.size)} architectures{because}"
    front = collect(problem, "exact", how, candidates, problem.space.size)
    return replace(front, error=tolerance * greatest, share=np.full(len(problem.objectives), tolerance))
