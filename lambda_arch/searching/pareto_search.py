"""Which engine finds a front, chosen by the space and the objectives."""

from collections.abc import Sequence

from lambda_arch.searching.accuracy import AccuracyModel, published_model
from lambda_arch.searching.enumeration import LIMIT, enumerate_front
from lambda_arch.searching.exact import Step, exact_front
from lambda_arch.searching.front import Front
from lambda_arch.searching.latency import Latency
from lambda_arch.searching.metrics import read_constraint, read_objectives
from lambda_arch.searching.optimization import Problem, make_problem
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import read_space


def find_front(problem: Problem, *, step: Step | None = None) -> Front:
    """Return the front of a problem whose objectives follow from blocks: all of it counted where it is small enough.

    ``step`` is called as the search goes, :func:`steps` times. Raises :class:`lambda_arch.ArchitectureError` for what
    cannot be searched.
    """
    if problem.space.size <= LIMIT:
        return enumerate_front(problem)
    return exact_front(problem) if step is None else exact_front(problem, step=step)


def steps(problem: Problem) -> int:
    """Return how many steps a search takes: one a slot of every product, none where all is counted at once."""
    if problem.space.size <= LIMIT:
        return 0
    return sum(len(product.slots) for product in problem.space.products)


def search(
    space: Space | str = "ablation",
    *,
    minimize: Sequence[str] = ("macs",),
    maximize: Sequence[str] = ("top1",),
    where: Sequence[str] = (),
    accuracy: AccuracyModel | None = None,
    latency: Latency | None = None,
) -> Front:
    """Return the front of a space (or a space's name, or its file) for objectives and bounds written as texts.

    ``accuracy`` is what top1 is predicted by (by default the model fitted on the published runs), ``latency`` a
    calibration. Raises :class:`lambda_arch.ArchitectureError` for what cannot be searched.
    """
    chosen = read_space(space) if isinstance(space, str) else space
    objectives = read_objectives(minimize, maximize)
    constraints = [read_constraint(text) for text in where]
    return find_front(make_problem(chosen, objectives, constraints, accuracy or published_model(), latency))
