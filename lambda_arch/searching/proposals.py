"""What to train next: posterior sampling over exact fronts.

The weights of the accuracy model are drawn from their posterior (Thompson sampling), the front of the space is computed
for each draw, and the batch is chosen that covers most of the hypervolume of these fronts (see ``batch_choice``).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_arch.arch import ResNet
from lambda_arch.errors import LambdaArchError
from lambda_arch.results import Results
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.batch_choice import Batch, Cover
from lambda_arch.searching.built_in_spaces import DEFAULT_SPACE
from lambda_arch.searching.drawn_fronts import DrawnFronts, draw_fronts
from lambda_arch.searching.latency import Latency, check_default
from lambda_arch.searching.learning import read_evidence
from lambda_arch.searching.linear_model import Prediction
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.posterior import Posterior
from lambda_arch.searching.reading import read_problem
from lambda_arch.searching.search_space import Space

if TYPE_CHECKING:
    from lambda_arch.searching.pareto_search import Progress

DRAWS = 64


@dataclass(frozen=True)
class Proposal:
    """An architecture to train: its metrics as predicted, and what was computed of it over the draws.

    ``probability``: the share of draws in which it is on the front. ``below``: by how many points of top-1 it is
    exceeded by a front's member that costs no more, in the mean over the draws. ``gain``: what it adds to the expected
    share of the front's hypervolume, after those before it. ``why``: the same in a phrase, and where.
    """

    architecture: ResNet
    values: dict[str, float]
    prediction: Prediction
    probability: float
    below: float
    gain: float
    why: str


@dataclass(frozen=True)
class Agreement:
    """How much the choice depends on the draws: what two halves of them choose.

    ``both``: how many architectures both halves choose. ``worth``: the share of hypervolume that the choice of one half
    covers in the draws of the other, relative to what the other's own choice covers, in the mean of both directions.
    """

    both: int
    worth: float


@dataclass(frozen=True)
class Proposals(Results[Proposal]):
    """The next batch to train, in the order in which it was chosen.

    ``before`` and ``after``: the expected share of the front's hypervolume that the trained and pending architectures
    cover, without and with the batch. ``error``: of the drawn fronts' objectives, relative, 0 if all of them are exact.
    """

    problem: Problem
    posterior: Posterior
    draws: int
    seed: int
    trained: int
    pending: int
    before: float
    after: float
    agreement: Agreement
    error: Floats


def propose(
    space: Space | str = DEFAULT_SPACE,
    count: int = 8,
    *,
    minimize: Sequence[str] | str | None = None,
    maximize: Sequence[str] | str | None = None,
    where: Sequence[str] | str = (),
    accuracy: Posterior | Path | str | None = None,
    pairs: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
    latency: Latency | None = None,
    store: Path | str | None = None,
    device: str = "cpu",
    batch_size: int = 1,
    dtype: str = "fp32",
    mode: str = "inference",
    threads: int = 0,
    clock: str = "wall",
    progress: "Progress | None" = None,
) -> Proposals:
    """Return ``count`` architectures of a ``space`` to train next.

    ``accuracy``: your runs (a CSV, ``store``, ``store:DATA`` or ``study:URL``), of which the published ones are the
    prior; by default these alone. What has runs is not proposed again. ``pairs``: with interactions of neighbouring
    stages. ``draws`` of the posterior from ``seed``: equal arguments give equal proposals. The other arguments are
    those of :func:`lambda_arch.search`.

    Raises :class:`lambda_arch.LambdaArchError` for what cannot be searched, and OSError.
    """
    for name, value, least in (("count", count, 1), ("draws", draws, 2), ("seed", seed, 0)):
        if value < least:
            raise LambdaArchError(f"{name}={value}: expected a whole number from {least}")
    setup: dict[str, Any] = {"device": device, "batch_size": batch_size, "dtype": dtype, "mode": mode}
    setup |= {"threads": threads, "clock": clock}
    known = read_evidence(accuracy, pairs=pairs, store=store)
    problem = read_problem(space, minimize, maximize, where, lambda: known.posterior, latency, setup, store)
    if problem.costs.timed is None:
        check_default(setup)
    of_known = {"done": known.done, "pending": known.pending}
    return choose(problem, known.posterior, count, **of_known, draws=draws, seed=seed, progress=progress)


def choose(
    problem: Problem,
    posterior: Posterior,
    count: int,
    *,
    done: Collection[str] = (),
    pending: Collection[str] = (),
    draws: int = DRAWS,
    seed: int = 0,
    progress: "Progress | None" = None,
) -> Proposals:
    """Return ``count`` architectures of a problem's space to train next; none of those named in ``done``.

    What is ``pending`` is being trained: nothing is proposed for what it covers if it is as predicted.

    Raises :class:`LambdaArchError` for a problem without top1, or that cannot be searched.
    """
    if not any(metric.name == "top1" for metric in problem.objectives):
        raise LambdaArchError("propose: expected top1 among the objectives, such as maximize=top1")
    number = 0

    def step() -> None:
        nonlocal number
        number += 1
        if progress is not None:
            progress(number, draws)

    drawn = draw_fronts(problem, posterior.draws(draws, seed), done, pending, step)
    cover = Cover.of(drawn)
    batch = cover.choose(count)
    return Proposals(
        _proposals(drawn, posterior, batch),
        problem,
        posterior,
        draws,
        seed,
        len(posterior.trained),
        sum(each not in posterior.trained for each in drawn.trained),
        batch.before,
        batch.after,
        _agreement(drawn, count),
        drawn.relative_error,
    )


def _proposals(drawn: DrawnFronts, posterior: Posterior, batch: Batch) -> tuple[Proposal, ...]:
    names = [metric.name for metric in drawn.problem.costs.metrics]
    found: list[Proposal] = []
    for i, gain in zip(batch.chosen, batch.gains, strict=True):
        architecture = drawn.candidates[i]
        prediction = posterior.predict(architecture)
        totals = drawn.totals[0, i].copy()
        totals[names.index("top1")] = -prediction.top1
        gaps = [_below(drawn, d, i) for d in range(len(drawn.draws))]
        values = drawn.problem.read(totals)
        others = [drawn.trained_totals[0], drawn.totals[0, list(batch.chosen[: len(found)])]]
        found.append(
            Proposal(
                architecture,
                values,
                prediction,
                float(np.mean([gap <= 1e-9 for gap in gaps])),
                float(np.mean([max(gap, 0.0) for gap in gaps])),
                gain,
                _why(drawn.problem, totals, np.concatenate(others), gain),
            )
        )
    return tuple(found)


def _below(drawn: DrawnFronts, draw: int, candidate: int) -> float:
    """Return by how many points a member of a draw's front exceeds a candidate at no more cost; 0 on the front."""
    objectives = drawn.problem.objectives
    top1 = [metric.name for metric in objectives].index("top1")
    costs = [i for i in range(len(objectives)) if i != top1]
    own, points = drawn.totals[draw, candidate, : len(objectives)], drawn.fronts[draw].points
    as_cheap = (points[:, costs] <= own[costs]).all(axis=1)
    return float((own[top1] - points[as_cheap, top1]).max(initial=0.0))


def _why(problem: Problem, totals: Floats, others: Floats, gain: float) -> str:
    """Say what a proposal adds, and between which of the trained and chosen before it."""
    metric = problem.objectives[0]
    added = f"{gain:.1%} more hypervolume"
    if metric.name == "top1":
        return added
    below, above = others[others[:, 0] < totals[0], 0], others[others[:, 0] > totals[0], 0]
    low, high = (
        metric.show_with_unit(problem.signs[0] * float(end))
        for end in (below.max(initial=0), above.min(initial=np.inf))
    )
    if len(below) and len(above):
        return f"{added}, from {low} to {high} {metric.label}"
    if len(below) or len(above):
        return f"{added}, {f'above {low}' if len(below) else f'below {high}'} {metric.label}"
    return f"{added}, the first"


def _agreement(drawn: DrawnFronts, count: int) -> Agreement:
    halves = [drawn.half(odd) for odd in (False, True)]
    chosen = []
    for half in halves:
        batch = Cover.of(half).choose(count)
        chosen.append([drawn.candidates.index(half.candidates[i]) for i in batch.chosen])
    worth = []
    for i, draws in enumerate((slice(0, None, 2), slice(1, None, 2))):
        whole = Cover.of(drawn).of_draws(draws)
        worth.append(whole.share(chosen[1 - i]) / max(whole.share(chosen[i]), 1e-9))
    return Agreement(len(set(chosen[0]) & set(chosen[1])), float(np.mean(worth)))
