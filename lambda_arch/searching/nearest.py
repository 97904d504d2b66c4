"""What is in the way of a search that finds nothing: the bound to move, and the architecture nearest to it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lambda_arch.arch import Architecture
from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.front import Front
from lambda_arch.searching.metrics import Constraint, Metric
from lambda_arch.searching.optimization import Problem, make_problem
from lambda_arch.searching.pareto_search import find_front


@dataclass(frozen=True)
class Nearest:
    """The architecture that comes closest to ``constraint`` and keeps all others, with its ``value`` in that metric."""

    constraint: Constraint
    architecture: Architecture
    value: float

    def __str__(self) -> str:
        metric = self.constraint.metric
        return (
            f"{self.constraint} is in the way: the nearest is {self.architecture} with {metric.label} "
            f"{metric.show_with_unit(self.value)}; expected a looser bound, or another space"
        )


def nearest(problem: Problem) -> Iterator[Nearest]:
    """Yield, for every bound that an architecture of the space would have to cross alone, the nearest architecture."""
    costs = problem.costs
    known = [each for each in problem.constraints if each.metric.name not in costs.functions]
    for constraint in known:
        others = [each for each in known if each is not constraint]
        metric = constraint.metric
        if (constraint.relation == "<=") != (metric.better == "min"):  # towards the worse end: where is that?
            metric = replace(metric, better="max" if metric.better == "min" else "min")
        front = _front(problem, metric, others)
        if front is not None and len(front):
            yield Nearest(constraint, front.architecture(0), front.values(0)[metric.name])


def _front(problem: Problem, metric: Metric, constraints: list[Constraint]) -> Front | None:
    """Return the best architecture in ``metric`` alone; None where the space is too large for such a bound."""
    costs = problem.costs
    try:
        return find_front(make_problem(problem.space, [metric], constraints, costs.accuracy, costs.latency))
    except LambdaArchError:
        return None
