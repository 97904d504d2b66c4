"""Interleaved rounds: every network is sampled in every round, so that drift of the machine affects all alike."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from lambda_arch.interop.locating import Location
from lambda_arch.store.setup import Setup
from lambda_arch.store.status import Status
from lambda_arch.timing.limits import Limits
from lambda_arch.timing.protocol.messages import LoadReply, LoadRequest, SampleReply
from lambda_arch.timing.protocol.process import WorkerError, WorkerProcess

CO_RESIDENT = 8
"""Maximum workers alive at once, because each holds its network, and on a GPU a context, in memory."""


@dataclass(frozen=True, slots=True)
class Job:
    """A network to measure, by its canonical name. A ``baseline`` is sampled as long as any other network.

    Jobs of one ``group`` and setup, whatever their runtimes, are measured together. ``location``: of the source of a
    module that is not ours. ``title``: what it is called while it is measured, if not by its name.
    """

    architecture: str
    setup: Setup
    baseline: bool = False
    group: str = ""
    location: Location | None = None
    title: str = field(default="", compare=False)

    @property
    def together(self) -> tuple[str, Setup]:
        """What jobs of the same session have in common."""
        return self.group, replace(self.setup, runtime="torch", runtime_version="")


@dataclass(frozen=True, slots=True)
class Loading:
    """A job's worker is about to build its network."""

    job: Job


@dataclass(frozen=True, slots=True)
class Loaded:
    """A job's network is built and warm."""

    job: Job
    reply: LoadReply


@dataclass(frozen=True, slots=True)
class Sampled:
    """A job was sampled in a round, which took ``seconds``."""

    job: Job
    round: int
    reply: SampleReply
    seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A job is over: ok, oom, failed, crash or timeout, and why. ``co_resident``: others were in memory too."""

    job: Job
    status: Status
    reason: str = ""
    co_resident: bool = False


RoundEvent = Loading | Loaded | Sampled | Finished


@dataclass(slots=True)
class _Running:
    job: Job
    worker: WorkerProcess
    samples: list[float] = field(default_factory=list)
    rounds: int = 0
    spent: float = 0.0


def interleaved_rounds(
    jobs: Sequence[Job],
    limits: Limits,
    *,
    by_part: bool = False,
) -> Iterator[RoundEvent]:
    """Measure ``jobs`` round by round, all co-resident, and yield events as they happen.

    Each runs in a worker of its own; if one fails, the others continue. ``by_part``: time the parts of each network
    inside its steps. Raises :class:`SetupError` for a setup that its device does not support.
    """
    with ExitStack() as stack:
        running: list[_Running] = []
        for job in jobs:
            yield Loading(job)
            worker = stack.enter_context(WorkerProcess(job.setup.threads))
            request = LoadRequest(job.architecture, job.setup, limits.warmup, limits.memory, by_part, job.location)
            try:
                loaded = worker.load(request, limits.timeout)
            except WorkerError as error:
                worker.close()
                yield Finished(job, error.status, error.reason, co_resident=bool(running))
                continue
            running.append(_Running(job, worker))
            yield Loaded(job, loaded)
        for number in itertools.count(1):
            for entry in list(running):
                start = time.perf_counter()
                try:
                    reply = entry.worker.sample(limits.round_seconds, limits.timeout)
                except WorkerError as error:
                    entry.worker.close()
                    running.remove(entry)
                    yield Finished(entry.job, error.status, error.reason, co_resident=bool(running))
                    continue
                seconds = time.perf_counter() - start
                entry.spent += seconds
                entry.rounds += 1
                entry.samples += reply.seconds
                yield Sampled(entry.job, number, reply, seconds)
            over = [entry for entry in running if limits.enough(entry.samples, entry.rounds, entry.spent)]
            others_go_on = any(entry not in over and not entry.job.baseline for entry in running)
            for entry in over:
                if not (entry.job.baseline and others_go_on):
                    running.remove(entry)
                    entry.worker.close()
                    yield Finished(entry.job, Status.OK)
            if not running:
                return


def groups(jobs: Sequence[Job], co_resident: int = CO_RESIDENT) -> Iterator[list[Job]]:
    """Yield ``jobs`` in groups of at most ``co_resident``, each of one setup and with all of its baselines.

    Runtimes that are compared are in one group.
    """
    for together in dict.fromkeys(job.together for job in jobs):
        baselines = [job for job in jobs if job.together == together and job.baseline]
        others = [job for job in jobs if job.together == together and not job.baseline]
        size = max(1, co_resident - len(baselines))
        for start in range(0, max(1, len(others)), size):
            yield [*baselines, *others[start : start + size]]
