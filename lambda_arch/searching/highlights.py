"""Highlights of a front: representative members, the knee, the best, and a comparison with published architectures."""

from dataclasses import dataclass

import numpy as np

from lambda_arch.arch import ResNet
from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.front import Front
from lambda_arch.searching.training_runs import published_runs

TOLERANCE = 1e-8  # relative to a range, for rounding errors of sums


def spread(front: Front, wanted: int) -> list[int]:
    """Return ``wanted`` members, or all: the best in each objective, the knee, then repeatedly the farthest member."""
    if len(front) <= wanted:
        return list(range(len(front)))
    scaled = _scaled(front.points)
    must = list(dict.fromkeys([best(front), knee(front), *map(int, front.points.argmin(axis=0))]))[:wanted]
    distance = np.full(len(front), np.inf)
    chosen: list[int] = []
    while len(chosen) < wanted:
        new = must.pop(0) if must else int(distance.argmax())
        chosen.append(new)
        distance = np.minimum(distance, np.square(scaled - scaled[new]).sum(axis=1))
    return sorted(chosen)


def knee(front: Front) -> int:
    """Return the member farthest from the plane through the extremes, after scaling (costs by their logarithms)."""
    return int(_scaled(front.points).sum(axis=1).argmin())


def _scaled(points: Floats) -> Floats:
    """Return points scaled to [0, 1]; columns of costs (all positive) by their logarithms."""
    positive = (points > 0).all(axis=0)
    values = np.where(positive, np.log(np.where(positive, points, 1.0)), points)
    low, high = values.min(axis=0), values.max(axis=0)
    return np.asarray((values - low) / np.where(high > low, high - low, 1.0))


def best(front: Front) -> int:
    """Return the best member in the first maximised objective (or else the first), then in the others."""
    objectives = front.problem.objectives
    lead = next((i for i, metric in enumerate(objectives) if metric.better == "max"), 0)
    others = [i for i in range(len(objectives)) if i != lead]
    return int(np.lexsort((*front.points[:, others[::-1]].T, front.points[:, lead]))[0])


@dataclass(frozen=True)
class Placed:
    """A published architecture compared with a front: its totals, its printed top-1, and a member that dominates it.

    ``by`` is None if none does; ``member`` is the member that it equals, or None. ``recipe``: how it was trained.
    """

    architecture: ResNet
    recipe: str
    top1: float
    totals: Floats
    by: int | None
    member: int | None


def place_published(front: Front) -> list[Placed]:
    """Return the published architectures within the constraints: first non-dominated ones, then by how little they are.

    Those with another stem (which the paper trained with another recipe) and those with an unknown metric (such as a
    latency that was not calibrated) are left out.
    """
    problem, found = front.problem, []
    if not len(front) or problem.costs.functions:
        return []
    points = front.points
    scale = np.ptp(points, axis=0)
    scale[scale == 0] = 1.0
    stems = problem.space.stems
    for run in published_runs():
        if run.architecture.stem not in stems:  # trained with another recipe
            continue
        try:
            totals = problem.of(run.architecture)
        except LambdaArchError:
            continue
        if not problem.allowed(totals):
            continue
        own = totals[: points.shape[1]]
        gaps = (own - points) / scale
        equal = np.flatnonzero((np.abs(gaps) < TOLERANCE).all(axis=1))
        dominating = np.flatnonzero((gaps > -TOLERANCE).all(axis=1) & (gaps > TOLERANCE).any(axis=1))
        by = int(dominating[gaps[dominating].sum(axis=1).argmax()]) if len(dominating) else None
        margin = float(gaps[dominating].min(axis=1).max()) if len(dominating) else -1.0
        placed = Placed(run.architecture, run.recipe, run.top1, totals, by, int(equal[0]) if len(equal) else None)
        found.append((margin, placed))
    return [placed for _, placed in sorted(found, key=lambda pair: pair[0])]
