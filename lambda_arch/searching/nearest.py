"""What is in the way of a search that finds nothing: the bound to move, and the architecture nearest to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from lambda_arch.arch import Architecture
from lambda_arch.searching.metrics import Constraint
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
    if costs.functions:
        return
    for constraint in problem.constraints:
        metric = constraint.metric
        if (constraint.relation == "<=") != (metric.better == "min"):
            continue
        others = [each for each in problem.constraints if each is not constraint]
        front = find_front(make_problem(problem.space, [metric], others, costs.accuracy, costs.latency))
        if len(front):
            yield Nearest(constraint, front.architecture(0), front.values(0)[metric.name])
