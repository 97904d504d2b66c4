"""Latency by part: the time of every distinct stem, block and head inside a network.

A part is timed within whole steps of host networks, which hold the wanted parts: after its usual neighbours, in the
setup's memory format, and by marks between the parts, so that parts add up to the step.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lambda_arch.arch import Architecture, ArchitectureError, Block, Part, ResNet
from lambda_arch.errors import SetupError
from lambda_arch.results import Result
from lambda_arch.store.connection import Store
from lambda_arch.store.parts import PART_SPREAD, PartLatency, describe_part, keep_parts, part_key, read_parts
from lambda_arch.store.setup import Cast, Clock, DType, MemoryFormat, Mode, Setup
from lambda_arch.store.statistics import Summary, summarize
from lambda_arch.store.status import Status
from lambda_arch.timing.arguments import Architectures, StoreLike, opened, read_architectures
from lambda_arch.timing.block_choices import block_choices
from lambda_arch.timing.hosts import Occurrence, hosts, occurrences, occurrences_of_choices
from lambda_arch.timing.limits import Limits
from lambda_arch.timing.machines import fingerprint_of, learn_rates
from lambda_arch.timing.progress import Event, Planned, Progress, follow
from lambda_arch.timing.rounds import Finished, Job, Loaded, Sampled, groups, interleaved_rounds

ALL_THE_TIME = 1e-9  # a spread that is never reached, to use all of the sampling time
FIRST_SHARE = 0.5
"""The share of the time that all hosts get at first; those with unsound parts get the rest."""
SHORTEST_REPEAT = 0.1
"""The share of a host's time below which it is not measured again."""


@dataclass(frozen=True)
class BlockLatencies:
    """Calibrated seconds per step of the whole batch, by the part's key.

    ``warnings`` about unsound ones, also by key.
    """

    setup: Setup
    fingerprint: str
    by_key: dict[str, Summary]
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def seconds(self, part: Part) -> float:
        """Return the seconds of a part in its place in a network; raises KeyError, naming it, if it is unknown."""
        try:
            return self.by_key[part_key(part)].median
        except KeyError:
            raise KeyError(describe_part(part)) from None

    def network(self, architecture: Architecture) -> float:
        """Return the predicted seconds of a step: the sum over its parts."""
        return sum(map(self.seconds, architecture.parts()))

    def interval(self, architecture: Architecture) -> tuple[float, float]:
        """Return the seconds of a step with all parts at their lower quartiles, and with all at their upper ones.

        What disturbs one part mostly disturbs its neighbours too, so that their errors do not cancel.
        """
        found = [self.by_key[part_key(part)] for part in architecture.parts()]
        return sum(each.q1 for each in found), sum(each.q3 for each in found)

    def doubts(self, architecture: Architecture) -> dict[str, tuple[str, ...]]:
        """Return the warnings about the parts of ``architecture``, by readable name."""
        parts = {part_key(part): describe_part(part) for part in architecture.parts()}
        return {label: self.warnings[key] for key, label in parts.items() if self.warnings.get(key)}

    def missing(self, architecture: Architecture) -> list[str]:
        """Return readable names of the parts of ``architecture`` that were not calibrated."""
        parts = {part_key(part): describe_part(part) for part in architecture.parts()}
        return [label for key, label in parts.items() if key not in self.by_key]


@dataclass(frozen=True)
class Calibration(Result):
    """The known latencies of ``parts`` (readable names by key).

    ``failures``: networks that could not run, and why. ``interrupted``: whether Ctrl-C ended it early.
    """

    parts: dict[str, str]
    latencies: BlockLatencies
    failures: tuple[str, ...] = ()
    interrupted: bool = False


def calibrate(
    architectures: Architectures,
    *,
    choices: str = "",
    device: str = "cpu",
    batch_size: int = 1,
    dtype: DType = "fp32",
    cast: Cast = "autocast",
    memory_format: MemoryFormat = "contiguous",
    mode: Mode = "inference",
    threads: int = 0,
    clock: Clock = "wall",
    evaluation: str = "canonical",
    seconds: float = 5.0,
    spread: float = PART_SPREAD,
    timeout: float = 600.0,
    memory_limit: float = 0.0,
    fresh: bool = False,
    store: StoreLike = None,
    progress: Progress = None,
) -> Calibration:
    """Measure the latency of every distinct stem, block and head of ``architectures`` inside a network, and store it.

    ``choices``, such as ``"k=8|16,m=7|23"``, adds the parts of all networks of the same shapes whose blocks are
    convolutions or lambda layers with these settings. Each host network gets ``seconds`` of sampling, half of them at
    first. Hosts with unsound parts (disturbed, or with an interquartile range above ``spread`` of the median) are
    measured again in the rest, and the sounder latency is kept. The other arguments are those of
    :func:`lambda_arch.measure`. Parts in the ``store`` are not timed again, unless ``fresh``, or if they are unsound
    and had less time than now. Returns the latencies of all parts, in seconds per step.

    Raises what :func:`lambda_arch.measure` raises, and :class:`SetupError` for a setup that has other parts.
    """
    networks = read_architectures(architectures)
    setup = Setup(
        device, batch_size, dtype, cast, memory_format, mode, threads=threads, clock=clock, evaluation=evaluation
    )
    check_parts(setup, "calibrate")
    limits = Limits.of(spread=spread, seconds=seconds, timeout=timeout, memory_limit=memory_limit)
    wanted = wanted_parts(networks, choices)
    parts = {each.key: describe_part(each.part) for each in wanted}
    failures: list[str] = []
    with opened(store) as kept:
        fingerprint = fingerprint_of(kept, setup.device)
        learn_rates(kept, fingerprint, [setup])
        known = set() if fresh else known_parts(kept, fingerprint, setup, limits)
        left = [each for each in wanted if each.key not in known]
        interrupted = follow(_time_parts(kept, fingerprint, setup, left, limits, failures), progress)
        return Calibration(parts, block_latencies(kept, setup, fingerprint=fingerprint), tuple(failures), interrupted)


def wanted_parts(networks: Sequence[Architecture], choices: str = "") -> list[Occurrence]:
    """Return the parts of ``networks``, and of those with ``choices`` in their place.

    Raises :class:`ArchitectureError` for choices of networks that are no ResNets.
    """
    wanted = [each for network in networks for each in occurrences(network)]
    if choices:
        for network in networks:
            wanted += occurrences_of_choices(*_with_choices(network, choices))
    return wanted


def known_parts(store: Store, fingerprint: str, setup: Setup, limits: Limits) -> set[str]:
    """Return the keys of the parts that need not be timed again."""
    return {key for key, part in read_parts(store, fingerprint, setup).items() if _is_enough(part, limits)}


def _with_choices(network: Architecture, choices: str) -> tuple[ResNet, list[Block]]:
    if not isinstance(network, ResNet):
        raise ArchitectureError(f"choices={choices}: expected a ResNet or LambdaResNet; {network} has other blocks")
    return network, block_choices(network, choices)


def _is_enough(part: PartLatency, limits: Limits) -> bool:
    """Return whether a stored latency is sound, or had as much time as ``limits`` give."""
    return not part.warnings(limits.spread) or part.limits.get("seconds", 0.0) >= limits.seconds


def _time_parts(
    store: Store, fingerprint: str, setup: Setup, left: Sequence[Occurrence], limits: Limits, failures: list[str]
) -> Iterator[Event]:
    """Time host networks for the parts that are left, store the parts of each when it is done, and yield events."""
    by_job = {Job(str(host), setup, title=_title(host, left)): host for host in hosts(left)}
    yield Planned(tuple(by_job), limits.seconds)
    timer = _PartsTimer(store, fingerprint, by_job, {each.key for each in left}, limits, failures)
    yield from timer.run(list(by_job), limits.seconds * FIRST_SHARE)
    doubtful = timer.doubtful()
    if doubtful:
        rest = min(limits.seconds, (limits.seconds * len(by_job) - timer.spent) / len(doubtful))
        if rest >= limits.seconds * SHORTEST_REPEAT:
            yield from timer.run(doubtful, rest)


def _title(host: Architecture, wanted: Sequence[Occurrence]) -> str:
    """Return the name of ``host`` if it was asked for, or else what is wanted of its parts."""
    if any(each.network == host for each in wanted):
        return str(host)
    keys = {part_key(part) for part in host.parts()}
    first, *others = dict.fromkeys(describe_part(each.part) for each in wanted if each.key in keys)
    return f"{first}, and {len(others)} more" if others else first


class _PartsTimer:
    """Times hosts and keeps the soundest latency of each wanted part. ``spent``: seconds of sampling so far."""

    def __init__(
        self,
        store: Store,
        fingerprint: str,
        by_job: dict[Job, Architecture],
        wanted: set[str],
        limits: Limits,
        failures: list[str],
    ) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._by_job = by_job
        self._wanted = wanted
        self._limits = limits
        self._failures = failures
        self._best: dict[Job, dict[str, PartLatency]] = {}
        self.spent = 0.0

    def doubtful(self) -> list[Job]:
        """Return the hosts that ran and have parts with warnings."""
        return [job for job, parts in self._best.items() if any(part.warnings() for part in parts.values())]

    def run(self, jobs: Sequence[Job], seconds: float) -> Iterator[Event]:
        """Sample each host for ``seconds``, store the parts that are sounder than before, and yield events."""
        limits = replace(Limits.like(self._limits, seconds), spread=ALL_THE_TIME)
        for group in groups(jobs):
            samples: dict[Job, list[tuple[float, ...]]] = {job: [] for job in group}
            readings: dict[Job, list[dict[str, Any]]] = {job: [] for job in group}
            warm: dict[Job, bool] = {}
            for event in interleaved_rounds(group, limits, by_part=True):
                job = event.job
                if isinstance(event, Loaded):
                    warm[job] = event.reply.warm
                elif isinstance(event, Sampled):
                    samples[job] += event.reply.parts
                    readings[job].append(event.reply.conditions.as_dict())
                    self.spent += event.seconds
                elif isinstance(event, Finished) and event.status is Status.OK:
                    self._keep(job, samples[job], {"warm": warm[job]}, readings[job])
                elif isinstance(event, Finished) and job not in self._best:
                    self._failures.append(f"{job.architecture}: {event.status}, {event.reason}")
                yield event

    def _keep(
        self, job: Job, samples: list[tuple[float, ...]], loaded: dict[str, Any], readings: list[dict[str, Any]]
    ) -> None:
        limits = self._limits.as_dict()
        before = self._best.setdefault(job, {})
        sounder = {}
        for key, seconds in _by_key(self._by_job[job], samples, self._wanted).items():
            part = PartLatency(summarize(seconds), limits, loaded, readings)
            if key not in before or _doubt(part) < _doubt(before[key]):
                before[key] = part
                sounder[key] = seconds
        keep_parts(
            self._store,
            self._fingerprint,
            job.setup,
            job.architecture,
            sounder,
            limits=limits,
            loaded=loaded,
            readings=readings,
        )


def _doubt(part: PartLatency) -> tuple[int, float]:
    return len(part.warnings()), part.summary.spread


def _by_key(host: Architecture, samples: Sequence[Sequence[float]], wanted: Iterable[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for i, part in enumerate(host.parts()):
        key = part_key(part)
        if key in wanted:
            found.setdefault(key, []).extend(sample[i] for sample in samples)
    return found


def block_latencies(store: Store, setup: Setup, *, fingerprint: str = "") -> BlockLatencies:
    """Return the newest calibrated latencies in ``store`` for ``setup``, on this machine or on that of ``fingerprint``.

    Its methods give seconds per step of a part and of a network. Raises :class:`SetupError` for a device that this
    machine does not have.
    """
    where = fingerprint or fingerprint_of(store, setup.device)
    parts = read_parts(store, where, setup)
    warnings = {key: tuple(part.warnings()) for key, part in parts.items()}
    return BlockLatencies(setup, where, {key: part.summary for key, part in parts.items()}, warnings)


def check_parts(setup: Setup, what: str) -> None:
    """Raise :class:`SetupError`, beginning with ``what``, for a setup that runs other parts than the network has."""
    if setup.compile or setup.cuda_graph:
        raise SetupError(f"{what}: compile=True and cuda_graph=True run the parts as one; expected neither")
    if setup.evaluation == "prepared":
        raise SetupError(f"{what}, evaluation=prepared: it has other parts; expected evaluation=auto")
