"""Latency of whole networks: stored measurements are reused, and new samples are stored at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lambda_arch.errors import SetupError
from lambda_arch.results import Result
from lambda_arch.store.case import Case, Named
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import new_uid
from lambda_arch.store.measurements import (
    Measurement,
    begin_measurement,
    find_finished,
    find_in_session,
    find_measurements,
    finish_measurement,
    keep_loaded,
)
from lambda_arch.store.peaks import read_peaks
from lambda_arch.store.rounds import keep_round
from lambda_arch.store.setup import COLUMNS as SETTING_COLUMNS
from lambda_arch.store.setup import Cast, Clock, MemoryFormat, Mode, Runtime, Setup, device_name
from lambda_arch.store.statistics import Summary
from lambda_arch.store.status import Status
from lambda_arch.timing.arguments import (
    Inputs,
    Networks,
    StoreLike,
    check_setup,
    location_of,
    opened,
    read_networks,
    read_setups,
    source_of,
)
from lambda_arch.timing.batch_sizes import largest_batch_size
from lambda_arch.timing.limits import Limits
from lambda_arch.timing.machines import fingerprint_of, learn_rates
from lambda_arch.timing.progress import Event, LargestBatchSize, Planned, Progress, follow
from lambda_arch.timing.rounds import Finished, Job, Loaded, Loading, RoundEvent, Sampled, groups, interleaved_rounds

MACHINE = ("device_name", "driver", "cuda", "cudnn", "torch", "package", "host_cpu", "host_cores", "system", "python")
"""The columns of a row that describe the machine."""
COLUMNS = (
    "architecture", "image_size", *(SETTING_COLUMNS.get(each.name, each.name) for each in fields(Setup)), "precision",
    "auto", "status", "median_ms", "q1_ms", "q3_ms", "spread", "samples", "rounds", "images_per_second", "peak_memory",
    "flop_rate", "flop_count", "share_of_ceiling", "joules_per_image", "baseline", "ratio", "ratio_q1", "ratio_q3",
    "warnings", "stored", "started", "session", *MACHINE, "fingerprint", "node", "uid",
)  # fmt: skip
"""The columns of a row, in order."""


@dataclass(frozen=True)
class Timing:
    """A ``measurement``, and its comparison with a baseline.

    ``baseline``: its architecture, and its runtime where several were measured. ``ratio``: its latency over the
    baseline's, round by round. ``stored``: whether it was in the store before, None
    for lists of stored measurements. ``peak``: the device's peak FLOP/s in this dtype.
    """

    measurement: Measurement
    baseline: str = ""
    ratio: Summary | None = None
    peak: float | None = None
    stored: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything, flat: latencies in milliseconds, memory in bytes."""
        m, s = self.measurement, self.measurement.summary
        return {
            "architecture": m.architecture,
            "image_size": m.image_size,
            **m.setup.columns,
            "precision": m.loaded.get("precision"),
            "auto": m.auto,
            "status": str(m.status),
            "median_ms": s and s.median * 1e3,
            "q1_ms": s and s.q1 * 1e3,
            "q3_ms": s and s.q3 * 1e3,
            "spread": s and s.spread,
            "samples": len(m.samples),
            "rounds": len(m.rounds),
            "images_per_second": m.throughput,
            "peak_memory": m.peak_memory,
            "flop_rate": m.flop_rate,
            "flop_count": m.flop_count,
            "share_of_ceiling": m.flop_rate / self.peak if m.flop_rate and self.peak else None,
            "joules_per_image": m.energy,
            "baseline": self.baseline or None,
            "ratio": self.ratio and self.ratio.median,
            "ratio_q1": self.ratio and self.ratio.q1,
            "ratio_q3": self.ratio and self.ratio.q3,
            "warnings": "; ".join(m.warnings),
            "stored": self.stored,
            "started": m.started,
            "session": m.session,
            **{name: m.machine.get(name) for name in MACHINE},
            "fingerprint": m.fingerprint,
            "node": m.node or None,
            "uid": m.uid,
        }


@dataclass(frozen=True)
class Measurements(Result):
    """Latencies of networks, in the order asked for. ``interrupted``: whether Ctrl-C ended it early."""

    timings: tuple[Timing, ...]
    interrupted: bool = False

    def __iter__(self) -> Iterator[Timing]:
        return iter(self.timings)

    def __len__(self) -> int:
        return len(self.timings)

    def __getitem__(self, index: int) -> Timing:
        return self.timings[index]

    @property
    def is_measured(self) -> bool:
        """Whether any network could be measured."""
        return any(timing.measurement.samples for timing in self)


def measure(
    architectures: Networks,
    *,
    inputs: Inputs = None,
    device: str = "cpu",
    batch_size: int | str | Sequence[int] = 1,
    dtype: str | Sequence[str] = "fp32",
    cast: Cast = "autocast",
    memory_format: MemoryFormat = "contiguous",
    mode: Mode = "inference",
    compile: bool = False,  # noqa: A002  # torch's name for it
    cuda_graph: bool = False,
    threads: int = 0,
    clock: Clock = "wall",
    evaluation: str = "canonical",
    runtime: Runtime | Sequence[Runtime] = "torch",
    baseline: Networks | None = None,
    seconds: float = 10.0,
    spread: float = 0.05,
    timeout: float = 600.0,
    memory_limit: float = 0.0,
    fresh: bool = False,
    store: StoreLike = None,
    progress: Progress = None,
) -> Measurements:
    """Measure latency, throughput and memory in interleaved rounds. Earlier measurements in the store are reused.

    - ``architectures``: named ones, or factories of any ``nn.Module`` that can be imported (or a ``partial`` of
      one with literals); ``inputs``: theirs as text (``1,3,64,64``, or ``1,77:int64``), once per argument, by default
      one image of 224x224. The batch size takes the place of a 1 in front. In training their loss is the mean of their
      outputs
    - ``batch_size``: one, several, or ``"auto"`` for the largest that fits; ``dtype``: one or several; other
      settings are those of :class:`lambda_arch.store.Setup`
    - ``runtime``: one or several; several are compared with the first, round by round
    - ``baseline``: all networks are compared with it, round by round; of several runtimes, in the first
    - ``seconds``, ``spread``: a network is sampled for so many seconds, or until its interquartile range is within this
      fraction of its median; a stored measurement with a larger one and less time is made again
    - ``timeout``: maximum seconds of building a network and of a round
    - ``memory_limit``: GB that a worker may use on a CPU, 0 for what is free
    - ``fresh``: measure again what ``store`` (by default the user's own) has
    - ``progress``: called with every event of :mod:`lambda_arch.timing.progress`

    Returns a :class:`~lambda_arch.timing.Timing` per network and setup. Ctrl-C ends it; the finished measurements are
    stored and returned.

    Raises :class:`ArchitectureError` for an invalid architecture, :class:`SetupError` for an invalid setup, and
    :class:`StoreError` for a store that cannot be used. A network that fails or runs out of memory is a measurement
    with that status.
    """
    networks = read_networks(architectures, inputs)
    baselines = [] if baseline is None else read_networks(baseline, inputs)
    limits = Limits.of(spread=spread, seconds=seconds, timeout=timeout, memory_limit=memory_limit)
    auto = batch_size == "auto"
    setups = read_setups(
        1 if auto else batch_size,
        dtype,
        device=device,
        cast=cast,
        memory_format=memory_format,
        mode=mode,
        compile=compile,
        cuda_graph=cuda_graph,
        threads=threads,
        clock=clock,
        evaluation=evaluation,
        runtime=runtime,
    )
    runtimes = list(dict.fromkeys(setup.runtime for setup in setups))
    if auto and runtimes != ["torch"]:
        raise SetupError(f"batch_size=auto, runtime={runtimes[-1]}: expected a whole number, or runtime=torch")
    first = runtimes[0] if len(runtimes) > 1 else None
    for network in (*networks, *baselines):
        for setup in setups:
            check_setup(network, setup)
    sources = {network: source_of(network) for network in networks}
    with opened(store) as kept:
        fingerprint = fingerprint_of(kept, device_name(device))
        learn_rates(kept, fingerprint, setups)
        schedule = Schedule(kept, fingerprint, limits, fresh=fresh)
        found: list[Case] = []

        def events() -> Iterator[Event]:
            for setup in setups:
                for network in networks:
                    case = Case(network, setup, auto, sources[network])
                    if auto:
                        size = largest_batch_size(kept, case, limits, fingerprint)
                        case = replace(case, setup=replace(setup, batch_size=max(size, 1)))
                        if size:
                            yield LargestBatchSize(str(network), size)
                    found.append(case)
            yield from schedule.run(found, baselines, first)

        interrupted = follow(events(), progress)
        return Measurements(tuple(schedule.timings(str(baselines[0]) if baselines else "")), interrupted)


class Schedule:
    """Measures cases on the machine of ``fingerprint``. ``uids``: the measurement of each case, if there is one."""

    def __init__(self, store: Store, fingerprint: str, limits: Limits, *, fresh: bool = False) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._limits = limits
        self._fresh = fresh
        self.uids: dict[Case, str | None] = {}
        self._new: set[str] = set()
        self._first: Runtime | None = None

    def run(
        self, cases: Sequence[Case], baselines: Sequence[Named] = (), first: Runtime | None = None
    ) -> Iterator[Event]:
        """Measure the ``cases`` that the store lacks, together with the ``baselines`` in each of their setups.

        ``first``: the runtime of the baselines, where there are several runtimes; without ``baselines`` each network is
        compared with itself in that runtime.
        """
        self._first = first
        plain = {(case.architecture, case.setup): case for case in cases}
        sources = {case.architecture: case.source for case in cases}
        sources |= {network: source_of(network) for network in baselines if network not in sources}

        def bases_of(case: Case) -> list[Case]:
            setup = replace(case.setup, runtime=first, runtime_version="") if first else case.setup
            networks = baselines or ([case.architecture] if first else [])
            return [
                plain.get((network, setup), Case(network, setup, case.auto, source_of(network))) for network in networks
            ]

        bases = list(dict.fromkeys(base for case in cases for base in bases_of(case)))
        self.uids = {
            case: self._known(case, [] if case in bases else bases_of(case)) for case in dict.fromkeys([*bases, *cases])
        }
        left = {case for case, uid in self.uids.items() if uid is None}
        left |= {base for case in left for base in bases_of(case)}
        by_job = {
            Job(
                str(case.architecture),
                case.setup,
                baseline=case in bases,
                group="" if baselines or not first else str(case.architecture),
                location=location_of(case.architecture),
            ): case
            for case in self.uids
            if case in left
        }
        yield Planned(tuple(by_job), self._limits.seconds)
        alone: list[Job] = []
        for group in groups(list(by_job)):
            for event in self._session(group, by_job):
                if isinstance(event, Finished) and _was_crowded(event):
                    alone.append(event.job)
                yield event
        for job in alone:
            yield from self._session([job], by_job)

    def _known(self, case: Case, bases: Iterable[Case]) -> str | None:
        """Return the finished measurement of a case in a session with ``bases``, or None."""
        needed = [base.key(self._fingerprint) for base in bases]
        if self._fresh:
            return None
        return find_finished(self._store, case.key(self._fingerprint), needed, self._limits.as_dict(), self._is_enough)

    def _is_enough(self, m: Measurement) -> bool:
        """Return whether a stored measurement is as good as these limits ask for, or had as much time."""
        return self._limits.enough(m.samples, len(m.rounds), m.limits.get("seconds", 0.0))

    def _session(self, group: list[Job], by_job: dict[Job, Case]) -> Iterator[RoundEvent]:
        """Measure the networks of ``group`` in one session; store and yield its events."""
        session = new_uid()
        uids: dict[Job, str] = {}
        for event in interleaved_rounds(group, self._limits):
            job, case = event.job, by_job[event.job]
            if isinstance(event, Loading):
                limits = self._limits.as_dict()
                uids[job] = begin_measurement(self._store, case, self._fingerprint, session, limits)
                self.uids[case] = uids[job]
                self._new.add(uids[job])
            elif isinstance(event, Loaded):
                keep_loaded(self._store, uids[job], asdict(event.reply))
            elif isinstance(event, Sampled):
                reply = event.reply
                conditions = reply.conditions.as_dict()
                keep_round(self._store, uids[job], event.round, reply.seconds, conditions, reply.peak_memory)
            elif isinstance(event, Finished):
                status, reason = event.status, event.reason
                if _was_crowded(event):
                    status = Status.OUT_OF_MEMORY_CO_RESIDENT
                    reason = "out of memory while co-resident; measured alone next"
                finish_measurement(self._store, uids[job], status, reason)
            yield event

    def timings(self, baseline: str = "") -> list[Timing]:
        """Return the measurements so far, in the order of the cases, compared with ``baseline`` in their sessions."""
        found = {m.uid: m for m in find_measurements(self._store, [uid for uid in self.uids.values() if uid])}
        chosen = [found[uid] for uid in self.uids.values() if uid in found]
        compared = timings(self._store, chosen, baseline, runtimes=self._first is not None)
        return [replace(each, stored=each.measurement.uid not in self._new) for each in compared]


def timings(store: Store, found: Sequence[Measurement], baseline: str = "", *, runtimes: bool = False) -> list[Timing]:
    """Return measurements with the peaks of their devices, compared with ``baseline`` in the same session.

    ``runtimes``: compare with the first runtime of the session, without ``baseline`` each network with itself.
    """
    peaks = read_peaks(store)
    result = []
    for m in found:
        name = baseline or (m.architecture if runtimes else "")
        base = find_in_session(store, m.session, name) if name else None
        if base and runtimes:
            name = f"{name} in {base.setup.runtime}"
        peak = peaks.get((m.fingerprint, m.setup.dtype, m.setup.threads))
        result.append(Timing(m, name, m.ratio_to(base) if base else None, peak))
    return result


def _was_crowded(event: Finished) -> bool:
    return event.status is Status.OUT_OF_MEMORY and event.co_resident
