"""Several workloads measured by turns, round after round, so that drift hits all of them alike."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from lambda_arch.store.setup import Setup
from lambda_arch.store.status import Status
from lambda_arch.timing.channel import Worker, WorkerError
from lambda_arch.timing.statistics import Limits

TOGETHER = 8
"""Workers alive at a time: each holds its network, and on a GPU a context, in memory."""


@dataclass(frozen=True, slots=True)
class Job:
    """A network to measure, by its canonical name. ``steady``: it goes on as long as any other does (a baseline)."""

    architecture: str
    setup: Setup
    steady: bool = False


@dataclass(frozen=True, slots=True)
class Loading:
    """A job's worker is about to build its network."""

    job: Job


@dataclass(frozen=True, slots=True)
class Loaded:
    """A job's network is built and warm: what its worker answered."""

    job: Job
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A job had its turn in a round: what its worker answered, and the seconds that took."""

    job: Job
    round: int
    answer: dict[str, Any]
    took: float


@dataclass(frozen=True, slots=True)
class Done:
    """A job is over: ok, oom, failed, crash or timeout, and why; ``co_resident`` with others in memory."""

    job: Job
    status: Status
    reason: str = ""
    co_resident: bool = False


Event = Loading | Loaded | Turn | Done


@dataclass(slots=True)
class _Running:
    job: Job
    worker: Worker
    whole: list[float] = field(default_factory=list)  # seconds of whole steps
    rounds: int = 0
    spent: float = 0.0


def take_turns(jobs: Sequence[Job], limits: Limits, *, parts: bool = False) -> Iterator[Event]:
    """Measure ``jobs`` by turns, all of them in memory at once, and yield what happens as it happens.

    Each runs in its own worker; whatever becomes of that, the others go on. ``parts``: time the parts of each network
    instead of whole steps. Raises :class:`SetupError` for a setup that its device does not do.
    """
    with ExitStack() as stack:
        running: list[_Running] = []
        for job in jobs:
            yield Loading(job)
            entry = _Running(job, stack.enter_context(Worker(job.setup.threads)))
            try:
                answer = entry.worker.ask(
                    "load",
                    limits.hang,
                    architecture=job.architecture,
                    setup=asdict(job.setup),
                    warmup=limits.warmup,
                    memory=limits.memory,
                    parts=parts,
                )
            except WorkerError as error:
                entry.worker.close()
                yield Done(job, error.status, error.reason, co_resident=bool(running))
                continue
            running.append(entry)
            yield Loaded(job, answer)
        for number in itertools.count(1):
            for entry in list(running):
                began = time.perf_counter()
                try:
                    answer = entry.worker.ask("turn", limits.hang, seconds=limits.turn)
                except WorkerError as error:
                    entry.worker.close()
                    running.remove(entry)
                    yield Done(entry.job, error.status, error.reason, co_resident=bool(running))
                    continue
                took = time.perf_counter() - began
                entry.spent += took
                entry.rounds += 1
                entry.whole += [sum(sample) if parts else sample for sample in answer["samples"]]
                yield Turn(entry.job, number, answer, took)
            over = [entry for entry in running if limits.enough(entry.whole, entry.rounds, entry.spent)]
            going_on = any(entry not in over and not entry.job.steady for entry in running)
            for entry in over:
                if not (entry.job.steady and going_on):
                    running.remove(entry)
                    entry.worker.close()
                    yield Done(entry.job, Status.OK)
            if not running:
                return


def groups(jobs: Sequence[Job], together: int = TOGETHER) -> Iterator[list[Job]]:
    """Yield ``jobs`` in groups of at most ``together``, those of one setup only, the steady ones in each."""
    setups = dict.fromkeys(job.setup for job in jobs)
    for setup in setups:
        steady = [job for job in jobs if job.setup == setup and job.steady]
        others = [job for job in jobs if job.setup == setup and not job.steady]
        size = max(1, together - len(steady))
        for start in range(0, max(1, len(others)), size):
            yield [*steady, *others[start : start + size]]
