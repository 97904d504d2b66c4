"""A Pareto front as arrays, with its problem and how it was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lambda_arch.arch import Architecture
from lambda_arch.results import Result
from lambda_arch.searching.arrays import Floats, Indices
from lambda_arch.searching.optimization import Problem

Engine = Literal["enumerate", "exact", "evolutionary"]


@dataclass(frozen=True)
class Found:
    """Candidates of a product: totals (rows x metrics, minimised) and the option of each slot (rows x slots).

    For every architecture of the product within the bounds there is a row, also within the bounds, that is worse by at
    most ``error`` in each metric; or else the architecture is at least ``lost`` in each metric (infinite if there is no
    such architecture).
    """

    totals: Floats
    options: Indices
    error: Floats
    lost: Floats

    @classmethod
    def exact(cls, totals: Floats, options: Indices) -> "Found":
        """Return candidates without an error."""
        return cls(totals, options, np.zeros(totals.shape[1]), np.full(totals.shape[1], np.inf))


@dataclass(frozen=True, repr=False)
class Front(Result):
    """The members of a front, in the order of the first objective.

    ``totals`` has one column per metric of ``problem``, minimised. ``product`` and ``options`` give the members'
    architectures. ``error``: for every architecture of the space within the bounds some member is worse by at most this
    much, in the unit of each objective (0 if the front is exact). ``evaluated``: how many architectures were evaluated.
    ``share``: that error relative to the architecture itself, where a search was asked to keep it small. ``engine``:
    ``enumerate``, ``exact`` or ``evolutionary``; ``how``: how it was found, in a few words.
    """

    problem: Problem
    engine: Engine
    how: str
    totals: Floats
    product: Indices
    options: tuple[Indices, ...]
    error: Floats
    evaluated: int
    share: Floats | None = None

    def __len__(self) -> int:
        return len(self.totals)

    def __repr__(self) -> str:
        return f"<Front of {self.problem.space.name}: {len(self)} members, {self.how}>"

    @property
    def is_exact(self) -> bool:
        """Whether no architecture of the space is better than the members in all objectives."""
        return self.engine != "evolutionary" and not self.error.any()

    @property
    def points(self) -> Floats:
        """The members' objectives, minimised: members x objectives."""
        return self.totals[:, : len(self.problem.objectives)]

    def architecture(self, i: int) -> Architecture:
        """Return the architecture of member ``i``."""
        options = [int(option) for option in self.options[i]]
        return self.problem.space.products[int(self.product[i])].architecture(options)

    def values(self, i: int) -> dict[str, float]:
        """Return the metrics of member ``i``, with the signs and units that people use."""
        return self.problem.read(self.totals[i])

    def relative_error(self) -> Floats:
        """Return the error of each objective: relative to the architecture, if known, or to the least on the front."""
        if self.share is not None:
            return self.share
        if not len(self):
            return np.zeros(len(self.problem.objectives))
        least = np.abs(self.points).min(axis=0)
        return np.asarray(np.divide(self.error, least, out=np.zeros(len(least)), where=least > 0))


def collect(problem: Problem, engine: Engine, how: str, found: Sequence[Found], evaluated: int) -> Front:
    """Return the front of the candidates found in each product of the space."""
    objectives = len(problem.objectives)
    totals = np.concatenate([each.totals for each in found])
    product = np.repeat(np.arange(len(found), dtype=np.int32), [len(each.totals) for each in found])
    options = [row for each in found for row in each.options]
    kept = np.flatnonzero(problem.allowed(totals))
    kept = kept[problem.non_dominated(totals[kept], objectives)]
    kept = kept[np.lexsort(totals[kept, :objectives].T[::-1])]
    points = totals[kept, :objectives]
    error = np.max([each.error[:objectives] for each in found], axis=0)
    for each in found:
        if np.isfinite(each.lost).any():
            error = np.maximum(error, _distance(each.lost[:objectives], points))
    return Front(problem, engine, how, totals[kept], product[kept], tuple(options[i] for i in kept), error, evaluated)


def _distance(lost: Floats, points: Floats) -> Floats:
    """Return by how much the point closest above ``lost`` is worse than it; infinity without points."""
    if not len(points):
        return np.full(len(lost), np.inf)
    worse = np.maximum(points - lost, 0.0)
    scale = np.maximum(worse.max(axis=0), np.finfo(float).tiny)
    return np.asarray(worse[(worse / scale).max(axis=1).argmin()])
