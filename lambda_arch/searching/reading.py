"""A problem from the words that a user gives."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.latency import Latency, calibrated_latency
from lambda_arch.searching.linear_model import LinearModel
from lambda_arch.searching.metrics import METRICS, column_metric, read_constraint, read_objectives
from lambda_arch.searching.optimization import Problem, make_problem
from lambda_arch.searching.part_costs import TIMED
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import read_space
from lambda_arch.searching.user_function import NetworkCost


def texts(value: Sequence[str] | str | None) -> Sequence[str]:
    """Return a list of what is a text, a list of texts, or nothing."""
    return [] if value is None else [value] if isinstance(value, str) else value


def read_problem(
    space: Space | str,
    minimize: Sequence[str] | str | None,
    maximize: Sequence[str] | str | None,
    where: Sequence[str] | str,
    accuracy: Callable[[], LinearModel],
    latency: Latency | None,
    setup: Mapping[str, Any],
    store: Path | str | None,
    functions: Mapping[str, NetworkCost] = MappingProxyType({}),
) -> Problem:
    """Return a problem: MACs against top1 unless given; an accuracy, and a latency from the ``store``, if needed.

    ``functions`` of whole networks are objectives, by name; one called latency is that metric.

    Raises :class:`lambda_arch.LambdaArchError` for what is wrong, and OSError.
    """
    own = [column_metric(name, "min") for name in functions if name not in METRICS]
    if minimize is None and maximize is None and not own:
        minimize, maximize = "macs", "top1"
    objectives = (*read_objectives(texts(minimize), texts(maximize)), *own)
    constraints = [read_constraint(text) for text in texts(where)]
    chosen = read_space(space) if isinstance(space, str) else space
    named = {metric.name for metric in (*objectives, *(constraint.metric for constraint in constraints))}
    if "latency" in functions and "latency" not in named:
        raise LambdaArchError("measure=True: expected latency among the objectives, such as minimize=latency")
    model = accuracy() if "top1" in named else None
    if latency is None and "latency" not in functions and named & set(TIMED):
        from lambda_arch.store import Setup

        latency = calibrated_latency(Setup(**setup), store, space if isinstance(space, str) else space.name)
    return make_problem(chosen, objectives, constraints, model, latency, functions)
