"""The closed loop: propose, train, learn. All that it knows is in the store, so it goes on from there at any moment."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lambda_arch.arch import parse
from lambda_arch.errors import LambdaArchError, TrainingError
from lambda_arch.results import Result
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.built_in_spaces import DEFAULT_SPACE
from lambda_arch.searching.halving import Saved, foretells, goes_on, rungs, saved
from lambda_arch.searching.latency import Latency, check_default
from lambda_arch.searching.learning import after
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.posterior import Posterior
from lambda_arch.searching.proposals import DRAWS, Proposals, choose
from lambda_arch.searching.reading import read_problem
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.training_runs import FINISHED, is_modelled, labelled
from lambda_arch.store.claims import claim
from lambda_arch.store.connection import Store
from lambda_arch.store.runs import Run, read_runs
from lambda_arch.training import Data, NamedRecipe, Recipe, Runs, RunStatus
from lambda_arch.training import train as train_here
from lambda_arch.training.verbs import read_data, read_recipe

Train = Callable[..., Runs]
"""Trains several architectures: it takes what :func:`lambda_arch.train` takes and returns what that returns."""

ENDED = (RunStatus.FINISHED, RunStatus.STOPPED, RunStatus.NOT_FINITE)
"""States of runs that count as trained."""
OVER = (RunStatus.FINISHED, RunStatus.NOT_FINITE)
"""States of runs that do not go on."""


@dataclass(frozen=True)
class Trained:
    """A trained architecture: its metrics, of which top-1 is measured, the mean over its finished runs."""

    architecture: str
    values: dict[str, float]
    runs: int


@dataclass(frozen=True)
class Exploration(Result):
    """What came of a loop: the ``front`` of measured accuracies, and the ``next`` batch, predicted.

    ``trained``: all finished architectures; ``status`` that of the last run; ``saved`` by stopping early, if asked for.
    """

    problem: Problem
    data: str
    recipe: str
    trained: tuple[Trained, ...]
    front: tuple[int, ...]
    next: Proposals
    status: str
    counted: int
    trainings: int
    saved: Saved | None


@dataclass
class Laboratory:
    """The runs of a data set, a recipe and a seed in a store, and how to make more."""

    store: Path | str | None
    data: Data
    recipe: NamedRecipe
    seed: int
    train_all: Train
    how: dict[str, Any]

    def runs(self) -> list[Run]:
        """Return all runs on the data, in the order in which they began."""
        with Store(self.store) as opened:
            return [run for run in read_runs(opened) if run.digest == self.data.digest]

    def own(self, runs: Sequence[Run]) -> list[Run]:
        """Return those by the recipe that a model covers."""
        settings = self.recipe.recipe.as_dict()
        return [run for run in runs if run.settings == settings and is_modelled(parse(run.architecture))]

    def learned(self, runs: Sequence[Run], pairs: bool) -> Posterior:
        """Return what is believed after the finished runs."""
        finished = [run for run in runs if run.status == FINISHED and run.epochs]
        return after(labelled(finished, self.recipe.recipe.as_dict()), f"trained here on {self.data.name}", pairs=pairs)

    def claim(self, architecture: str) -> AbstractContextManager[bool]:
        """Return a claim of the training of an architecture."""
        with Store(self.store) as opened:
            path = opened.path
        return claim(path, f"{architecture} {self.recipe.recipe.as_dict()} {self.data.digest} {self.seed}")

    def is_claimed(self, architecture: str) -> bool:
        """Return whether another process trains an architecture."""
        with self.claim(architecture) as free:
            return not free

    def train(self, architectures: Sequence[str], stop_epoch: int | None) -> str:
        """Train networks, from their last checkpoints if there are any, and return how the last run ended."""
        left = list(architectures)
        while left:
            try:
                return self.train_all(
                    left, self.data, self.recipe, seed=self.seed, resume=True, store=self.store, stop_epoch=stop_epoch,
                    **self.how,
                ).status  # fmt: skip
            except TrainingError:  # a loss is not finite; the store says whose
                diverged = {run.architecture for run in self.runs() if run.status == RunStatus.NOT_FINITE}
                left = [name for name in left if name not in diverged]
        return RunStatus.NOT_FINITE


def explore(
    space: Space | str = DEFAULT_SPACE,
    data: Data | str | Path = "digits",
    recipe: Recipe | NamedRecipe | str = "digits",
    *,
    trainings: int = 40,
    batch: int = 4,
    halving: bool = False,
    minimize: Sequence[str] | str | None = None,
    maximize: Sequence[str] | str | None = None,
    where: Sequence[str] | str = (),
    pairs: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
    output: Path | str = "runs",
    latency: Latency | None = None,
    store: Path | str | None = None,
    device: str = "cpu",
    batch_size: int = 1,
    dtype: str = "fp32",
    mode: str = "inference",
    threads: int = 0,
    clock: str = "wall",
    limit_images: int | None = None,
    train: Train = train_here,
    progress: Callable[..., object] | None = None,
    announce: Callable[[Proposals], None] | None = None,
    **overrides: object,
) -> Exploration:
    """Propose a ``batch``, train it, learn from it, and again, until ``trainings`` networks are trained.

    ``data``, ``recipe``, ``output``, ``limit_images`` and ``overrides`` are those of :func:`lambda_arch.train`; the
    other arguments are those of :func:`lambda_arch.propose`. Returns all runs, and the last proposals. Every run of the
    data set by this recipe in the ``store`` counts, so the same call continues after an interruption; of several at
    once on one machine, each trains other networks. ``halving``: runs that do badly stop early (see ``halving``).
    ``train`` trains a batch, with ``progress`` as its own; ``announce`` is called with each batch.

    Raises :class:`lambda_arch.LambdaArchError` for what cannot be searched or trained, and OSError; what was trained is
    in the store.
    """
    for name, value in (("trainings", trainings), ("batch", batch), ("draws", draws - 1)):
        if value < 1:
            raise LambdaArchError(f"{name}={value}: expected a whole number from 1")
    loaded = read_data(data, limit_images)
    named = read_recipe(recipe, overrides)
    how: dict[str, Any] = {"output": output, "device": device, "progress": progress}
    laboratory = Laboratory(store, loaded, named, seed, train, how)
    setup: dict[str, Any] = {"device": device, "batch_size": batch_size, "dtype": dtype, "mode": mode}
    setup |= {"threads": threads, "clock": clock}
    model = laboratory.learned(laboratory.runs(), pairs)
    problem = read_problem(space, minimize, maximize, where, lambda: model, latency, setup, store)
    if problem.costs.timed is None:
        check_default({**setup, "device": "cpu"})  # it trains on the device
    if not any(metric.name == "top1" for metric in problem.objectives):
        raise LambdaArchError("explore: expected top1 among the objectives, such as maximize=top1")
    loaded.check(problem.space.products[0].architecture([0] * len(problem.space.products[0].slots)))
    steps = rungs(named.recipe.epochs) if halving else []
    return Explorer(problem, laboratory, trainings, batch, draws, seed, pairs, steps, halving).run(announce)


def ended(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that count as trained; of one that went on from its beginning on another machine, the last."""
    return list({(run.architecture, run.seed): run for run in runs if run.status in ENDED}.values())


@dataclass
class Explorer:
    """The loop itself; ``steps`` are the rungs at which runs pause."""

    problem: Problem
    laboratory: Laboratory
    trainings: int
    batch: int
    draws: int
    seed: int
    pairs: bool
    steps: Sequence[int]
    halving: bool

    def run(self, announce: Callable[[Proposals], None] | None = None) -> Exploration:
        """Go on until all is trained, or a run is interrupted."""
        status: str = RunStatus.FINISHED
        elsewhere: set[str] = set()  # what other loops train
        while status in ENDED:
            runs = self.laboratory.runs()
            own = self.laboratory.own(runs)
            pending = self.pending(own)
            elsewhere = {name for name in {*pending, *elsewhere} if self.laboratory.is_claimed(name)}
            names = [name for name in pending if name not in elsewhere]
            over = ended(own)
            under_way = elsewhere - {run.architecture for run in over}
            missing = self.trainings - len(over) - len(under_way)
            if not names and missing > 0:
                proposals = self.choose(runs, min(self.batch, missing), under_way)
                names = [str(each.architecture) for each in proposals]
                if announce is not None:
                    announce(proposals)
            if not names:
                break
            with ExitStack() as claims:
                ours = [name for name in names if claims.enter_context(self.laboratory.claim(name))]
                elsewhere |= set(names) - set(ours)
                status = self.train(ours)
        return self.result(status)

    def train(self, names: Sequence[str]) -> str:
        """Train networks up to their next rungs, but what others have trained, and return how the last run ended."""
        own = [run for run in self.laboratory.own(self.laboratory.runs()) if run.seed == self.seed]
        groups: dict[int | None, list[str]] = {}
        for name in names:
            same = [run for run in own if run.architecture == name]
            if not any(run.status in OVER for run in same):
                done = max((len(run.epochs) for run in same), default=0)
                groups.setdefault(next((step for step in self.steps if step > done), None), []).append(name)
        status: str = RunStatus.FINISHED
        for step, group in groups.items():
            if status in ENDED:
                status = self.laboratory.train(group, step)
        return status

    def choose(self, runs: Sequence[Run], number: int, under_way: Collection[str] = ()) -> Proposals:
        """Return the next batch, after ``runs``, beside what is ``under_way`` elsewhere."""
        own = self.laboratory.own(runs)
        model, seed = self.laboratory.learned(runs, self.pairs), self.seed + len(own)
        done = {run.architecture for run in own}
        return choose(self.problem, model, number, done=done, pending=under_way, draws=self.draws, seed=seed)

    def pending(self, own: Sequence[Run]) -> list[str]:
        """Return what to go on with: what was interrupted, and what stopped but would not stop now."""
        mine = [run for run in own if run.seed == self.seed]
        over = {run.architecture for run in mine if run.status in OVER}  # perhaps on another machine
        left = [run for run in mine if run.architecture not in over]
        going = [run for run in left if run.status != RunStatus.STOPPED or self.goes_on(own, run)]
        return list(dict.fromkeys(run.architecture for run in going))

    def goes_on(self, own: Sequence[Run], run: Run) -> bool:
        """Return whether a run that stopped goes on, after all runs that came as far."""
        epoch = len(run.epochs)
        if epoch not in self.steps:  # it was stopped by other rungs
            return True
        finished = [[row["top1"] for row in each.epochs] for each in own if each.status == FINISHED]
        if not foretells(finished, epoch):
            return True
        reached = [each for each in own if len(each.epochs) >= epoch]
        points = [self.point(each.architecture, each.epochs[epoch - 1]["top1"]) for each in reached]
        return goes_on(np.array(points), reached.index(run))

    def point(self, architecture: str, top1: float) -> Floats:
        """Return the metrics of an architecture, minimised, with a measured top-1."""
        totals = self.problem.of(parse(architecture))
        totals[[metric.name for metric in self.problem.costs.metrics].index("top1")] = -top1
        return totals

    def result(self, status: str) -> Exploration:
        """Return what came of it so far."""
        runs = self.laboratory.runs()
        own = self.laboratory.own(runs)
        tops: dict[str, list[float]] = {}
        for run in own:
            if run.status == FINISHED:
                tops.setdefault(run.architecture, []).append(float(run.epochs[-1]["top1"]))
        points = {name: self.point(name, float(np.mean(values))) for name, values in tops.items()}
        names = [name for name, point in points.items() if self.problem.allowed(point)]
        totals = np.array([points[name] for name in names]).reshape(len(names), len(self.problem.signs))
        front = self.problem.non_dominated(totals, len(self.problem.objectives)) if names else np.empty(0, np.intp)
        over = ended(own)
        histories = [[float(epoch["top1"]) for epoch in run.epochs] for run in over]
        return Exploration(
            self.problem,
            self.laboratory.data.name,
            self.laboratory.recipe.name,
            tuple(Trained(name, self.problem.read(points[name]), len(tops[name])) for name in names),
            tuple(sorted(front.tolist(), key=lambda i: totals[i].tolist())),
            self.choose(runs, self.batch),
            status,
            len(over),
            self.trainings,
            saved(histories, self.laboratory.recipe.recipe.epochs) if self.halving else None,
        )
