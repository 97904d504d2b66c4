"""The fronts of draws of an accuracy model's weights, and what may be trained: members of any of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from lambda_arch.arch import ResNet, parse
from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.enumeration import LIMIT, enumerate_front
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.front import Front
from lambda_arch.searching.highlights import spread
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.posterior import Draw
from lambda_arch.searching.training_runs import is_modelled
from lambda_arch.searching.within_tolerance import front_within, is_vast

THIN_ABOVE, THINNED = 10_000, 5_000
"""Partial networks of a draw's front that are not thinned, and how many thinning leaves: see ``exact``."""
TOLERANCE = 0.005
"""The tolerance of a draw's front, in a space too large to be searched without one."""
FROM_EACH = 48
"""Members of each front that may be proposed, spread over it."""
FEW = 200
"""The size of a space of which everything may be proposed, even if it is on no front."""


@dataclass(frozen=True)
class DrawnFronts:
    """The front of each draw, the architectures that may be trained, and those that were or are being ``trained``.

    ``totals`` of architectures: draws x architectures x metrics, minimised. ``proposable``: what each draw alone would
    have trained, with its totals.
    """

    problem: Problem
    draws: tuple[Draw, ...]
    fronts: tuple[Front, ...]
    proposable: tuple[Mapping[ResNet, Floats], ...]
    candidates: tuple[ResNet, ...]
    totals: Floats
    trained: tuple[ResNet, ...]
    trained_totals: Floats

    def half(self, odd: bool) -> "DrawnFronts":
        """Return every other draw, with the candidates from their fronts alone."""
        chosen = list(range(int(odd), len(self.draws), 2))
        own = {each for i in chosen for each in self.proposable[i]}
        kept = [i for i, architecture in enumerate(self.candidates) if architecture in own]
        return replace(
            self,
            draws=tuple(self.draws[i] for i in chosen),
            fronts=tuple(self.fronts[i] for i in chosen),
            proposable=tuple(self.proposable[i] for i in chosen),
            candidates=tuple(self.candidates[i] for i in kept),
            totals=self.totals[np.ix_(chosen, kept)],
            trained_totals=self.trained_totals[chosen],
        )

    @property
    def relative_error(self) -> Floats:
        """The largest error of each objective over the fronts, relative to the least value; 0 if all are exact."""
        return np.asarray(np.max([front.relative_error() for front in self.fronts], axis=0))


def draw_fronts(
    problem: Problem,
    draws: Sequence[Draw],
    done: Collection[str] = (),
    pending: Collection[str] = (),
    step: Callable[[], None] | None = None,
) -> DrawnFronts:
    """Return the fronts of ``draws``; architectures named in ``done`` or ``pending`` are no candidates.

    What is ``pending`` has in each draw the accuracy that is drawn for it, as if it had been trained already. ``step``
    is called after each draw.

    Raises :class:`LambdaArchError` for a problem that cannot be searched, or in which nothing keeps the bounds.
    """
    fronts = []
    for draw in draws:
        fronts.append(_front(replace(problem, costs=replace(problem.costs, accuracy=draw))))
        if step is not None:
            step()
    if not any(len(front) for front in fronts):
        raise LambdaArchError(f"{problem.space.name}: nothing in the space keeps the bounds; expected looser ones")
    proposable = _proposable(problem, fronts)
    under_way = [each for each in map(parse, pending) if is_modelled(each)]
    known = {*map(parse, done), *under_way}
    candidates = {each: totals for own in proposable for each, totals in own.items() if each not in known}
    trained: dict[ResNet, Floats] = {}
    for each in (*draws[0].trained, *under_way):
        with suppress(LambdaArchError):  # a part of it may not have been calibrated
            trained[each] = problem.of(each)
    means = [[draw.trained[each] if each in draw.trained else draw.mean(each) for each in trained] for draw in draws]
    return DrawnFronts(
        problem,
        tuple(draws),
        tuple(fronts),
        tuple(proposable),
        tuple(candidates),
        _totals(problem, candidates, _means(draws, tuple(candidates))),
        tuple(trained),
        _totals(problem, trained, np.array(means)),
    )


def _proposable(problem: Problem, fronts: Sequence[Front]) -> list[Mapping[ResNet, Floats]]:
    """Return what may be proposed of each front, with totals: all of a small space, or the front's members."""
    if problem.space.size <= FEW:
        everything = {each: problem.of(each) for each in problem.space.architectures() if isinstance(each, ResNet)}
        return [everything] * len(fronts)
    return [_members(front) for front in fronts]


def _members(front: Front) -> dict[ResNet, Floats]:
    chosen = spread(front, FROM_EACH) if len(front) else []
    members = ((front.architecture(i), front.totals[i]) for i in chosen)
    return {architecture: totals for architecture, totals in members if isinstance(architecture, ResNet)}


def _front(problem: Problem) -> Front:
    if problem.space.size <= LIMIT:
        return enumerate_front(problem)
    if is_vast(problem.space):
        return front_within(problem, TOLERANCE)
    return exact_front(problem, limit=THIN_ABOVE, thinned=THINNED)


def _means(draws: Sequence[Draw], architectures: Sequence[ResNet]) -> Floats:
    """Return the top-1 of architectures: draws x architectures."""
    if not architectures:
        return np.empty((len(draws), 0))
    rows = np.array([draws[0].row(architecture) for architecture in architectures])
    return np.array([rows @ draw.weights for draw in draws])


def _totals(problem: Problem, architectures: Mapping[ResNet, Floats], top1: Floats) -> Floats:
    """Return the totals of architectures with the top-1 of each draw: draws x architectures x metrics."""
    own = np.array(list(architectures.values())).reshape(-1, len(problem.signs))
    found = np.broadcast_to(own, (len(top1), *own.shape)).copy()
    column = [metric.name for metric in problem.costs.metrics].index("top1")
    found[:, :, column] = -top1
    return found
