"""A problem from the words that a user gives."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lambda_arch.searching.latency import Latency, calibrated_latency
from lambda_arch.searching.linear_model import LinearModel
from lambda_arch.searching.metrics import read_constraint, read_objectives
from lambda_arch.searching.optimization import Problem, make_problem
from lambda_arch.searching.part_costs import TIMED
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import read_space


def texts(value: Sequence[str] | str | None) -> Sequence[str]:
    """Return a list of what is a text, a list of texts, or nothing."""
    return [] if value is None else [value] if isinstance(value, str) else value


def read_problem(
    space: Space | str,
    minimize: Sequence[str] | str | None,
    maximize: Sequence[str] | str | None,
    where: Sequence[str] | str,
    accuracy: LinearModel,
    latency: Latency | None,
    setup: Mapping[str, Any],
    store: Path | str | None,
) -> Problem:
    """Return a problem of sums over blocks: MACs against top1 unless given; a latency from the ``store`` if needed.

    Raises :class:`lambda_arch.LambdaArchError` for what is wrong, and OSError.
    """
    if minimize is None and maximize is None:
        minimize, maximize = "macs", "top1"
    objectives = read_objectives(texts(minimize), texts(maximize))
    constraints = [read_constraint(text) for text in texts(where)]
    chosen = read_space(space) if isinstance(space, str) else space
    named = {metric.name for metric in (*objectives, *(constraint.metric for constraint in constraints))}
    if latency is None and named & set(TIMED):
        from lambda_arch.store import Setup

        latency = calibrated_latency(Setup(**setup), store, chosen.name)
    return make_problem(chosen, objectives, constraints, accuracy, latency)
