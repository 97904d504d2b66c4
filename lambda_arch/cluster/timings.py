"""Latencies on a cluster: what is compared is measured together on one device, all else wherever there is one."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lambda_arch.arch import Architecture
from lambda_arch.cluster.connection import connected
from lambda_arch.cluster.progress import Progress
from lambda_arch.cluster.scheduling import carry_out
from lambda_arch.cluster.threads import kind_of, latency_threads
from lambda_arch.cluster.work import Work
from lambda_arch.comparing.speeds import TableTimings, TimedTable
from lambda_arch.comparing.speeds import measure_table as measure_table_here
from lambda_arch.errors import SetupError
from lambda_arch.interop.references import Reference
from lambda_arch.store.case import Case
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest, new_uid
from lambda_arch.store.measurements import (
    Measurement,
    find_largest_batch_size,
    find_measurements,
    in_their_sessions,
)
from lambda_arch.store.setup import Setup
from lambda_arch.timing.arguments import (
    Inputs,
    Networks,
    StoreLike,
    check_setup,
    opened,
    read_networks,
    read_setups,
    source_of,
)
from lambda_arch.timing.limits import Limits
from lambda_arch.timing.measuring import Measurements, Schedule, Timing, timings
from lambda_arch.timing.measuring import measure as measure_here
from lambda_arch.timing.rounds import CO_RESIDENT


@dataclass(frozen=True)
class Latencies(Work):
    """Networks in one batch size and dtype, measured in interleaved rounds with their baselines.

    ``arguments``: the others of :func:`lambda_arch.measure`; ``again``: a mark where it is to be measured anew.
    """

    networks: tuple[Architecture | Reference, ...]
    baselines: tuple[Architecture | Reference, ...]
    setups: tuple[Setup, ...]
    auto: bool
    arguments: Mapping[str, Any]
    again: str = ""

    undisturbed = True

    @property
    def name(self) -> str:
        """The first network, and how many more."""
        more = f" and {len(self.networks) - 1} more" if len(self.networks) > 1 else ""
        return f"{self.networks[0]}{more}"

    @property
    def key(self) -> str:
        """A digest of everything that the results depend on."""
        names = {name: [[str(each), source_of(each)] for each in getattr(self, name)] for name in _NETWORKS}
        setups = [setup.identity for setup in self.setups]
        limits = dict(self.arguments)
        return digest(
            {"work": "latencies", **names, "setups": setups, "auto": self.auto, **limits, "again": self.again}
        )

    @property
    def device(self) -> str:
        """The kind of device: cpu or cuda."""
        return self.setups[0].kind

    @property
    def threads(self) -> int:
        """Those of the setup."""
        return self.setups[0].threads

    def find(self, store: Store, fingerprints: Collection[str]) -> list[str] | None:
        """Return the uids of the measurements, baselines first, if no network needs to be measured again."""
        if self.again:
            return None
        limits = Limits.of(**self.arguments)
        for fingerprint in sorted(fingerprints):
            cases = [
                self._case(store, network, setup, fingerprint, limits)
                for setup in self.setups
                for network in self.networks
            ]
            schedule = Schedule(store, fingerprint, limits)
            if None not in cases and not next(self._plan(schedule, [case for case in cases if case])).jobs:
                return [uid for uid in schedule.uids.values() if uid]
        return None

    def _plan(self, schedule: Schedule, cases: Sequence[Case]) -> Iterator[Any]:
        first = self.setups[0].runtime if len(self.setups) > 1 else None
        return schedule.run(cases, self.baselines, first)

    def _case(
        self, store: Store, network: Architecture | Reference, setup: Setup, fingerprint: str, limits: Limits
    ) -> Case | None:
        """Return the case of a network, None if its largest batch size is not known."""
        case = Case(network, setup, self.auto, source_of(network))
        if not self.auto:
            return case
        size = find_largest_batch_size(store, case, fingerprint, limits.memory)
        return replace(case, setup=replace(setup, batch_size=size)) if size else None

    def run(self, store: Store) -> list[str]:
        """Measure here."""
        setup = self.setups[0]
        several = {"runtime": [each.runtime for each in self.setups]} if len(self.setups) > 1 else {}
        found = measure_here(
            self.networks,
            **setup.arguments | {"batch_size": "auto" if self.auto else setup.batch_size} | several,
            **self.arguments,
            baseline=self.baselines or None,
            fresh=bool(self.again),
            store=store,
        )
        return [timing.measurement.uid for timing in found]

    def related(self, store: Store, uids: Sequence[str]) -> list[str]:
        """Return all of the sessions in which they were measured."""
        return in_their_sessions(store, uids)


_NETWORKS = ("networks", "baselines")


def measure(
    architectures: Networks,
    *,
    cluster: str = "local",
    resource: str = "",
    inputs: Inputs = None,
    device: str = "cpu",
    batch_size: int | str | Sequence[int] = 1,
    dtype: str | Sequence[str] = "fp32",
    threads: int = 0,
    runtime: Any = "torch",
    baseline: Networks | None = None,
    seconds: float = 10.0,
    spread: float = 0.05,
    timeout: float = 600.0,
    memory_limit: float = 0.0,
    fresh: bool = False,
    alike: bool = False,
    store: StoreLike = None,
    progress: Progress = None,
    **settings: Any,
) -> Measurements:
    """Measure as :func:`lambda_arch.measure` does, on the nodes of ``cluster`` (see :func:`connected`).

    A device measures one task at a time: with a ``baseline``, up to seven networks and the baseline in interleaved
    rounds; else one network, in all of its runtimes. ``resource``: only on nodes with this resource of Ray; ``alike``:
    all nodes have to have the same device. Nodes whose
    device is equal (by fingerprint) stand in for each other; no ratio is ever taken across two devices.

    Raises what :func:`lambda_arch.measure` raises, and :class:`SetupError` without Ray, without such a cluster, and for
    works that failed; the others' results are in ``store``.
    """
    networks = read_networks(architectures, inputs)
    baselines = [] if baseline is None else read_networks(baseline, inputs)
    for network in (*networks, *baselines):
        if isinstance(network, Reference) and network.is_file:
            raise SetupError(f"{network}: a file of this machine; expected a module that all nodes can import")
    kind, auto = kind_of(device), batch_size == "auto"
    limits = {"seconds": seconds, "spread": spread, "timeout": timeout, "memory_limit": memory_limit}
    Limits.of(**limits)
    with connected(cluster) as ray, opened(store) as kept:
        if kind == "cpu":
            threads = latency_threads(ray, cluster, threads)
        setups = read_setups(1 if auto else batch_size, dtype, runtime, device=kind, threads=threads, **settings)
        runtimes = list(dict.fromkeys(setup.runtime for setup in setups))
        if auto and runtimes != ["torch"]:
            raise SetupError(f"batch_size=auto, runtime={runtimes[-1]}: expected a whole number, or runtime=torch")
        for network in (*networks, *baselines):
            for setup in setups:
                check_setup(network, setup)
        again = new_uid() if fresh else ""
        works = [
            Latencies(tuple(group), tuple(baselines), tuple(setups[i : i + len(runtimes)]), auto, limits, again)
            for i in range(0, len(setups), len(runtimes))
            for group in _groups(networks, baselines, len(runtimes))
        ]
        before = {m.uid for m in find_measurements(kept)}
        carried = carry_out(
            works, kept, cluster=cluster, resource=resource, alike="machine" if alike else "device", progress=progress
        )
        if not carried.interrupted:
            carried.check()
        uids = [uid for work in works for uid in carried.uids.get(work.key, ())]
        found = _of(kept, uids, str(baselines[0]) if baselines else "", runtimes=len(runtimes) > 1)
        return Measurements(
            tuple(replace(each, stored=each.measurement.uid in before) for each in found), carried.interrupted
        )


def measure_table(
    name: str | TimedTable, *, cluster: str = "local", resource: str = "", **options: Any
) -> TableTimings:
    """Measure a published table as :func:`lambda_arch.comparing.speeds.measure_table` does, on the nodes of a cluster.

    ``options`` and what is raised: as for :func:`measure`. Networks are measured with all of the table's baselines.
    """
    return measure_table_here(name, verb=partial(measure, cluster=cluster, resource=resource), **options)


def _groups(
    networks: Sequence[Architecture | Reference], baselines: Sequence[Architecture | Reference], runtimes: int
) -> Iterator[list[Architecture | Reference]]:
    """Yield the networks that are measured together: one, or as many as fit beside the baselines."""
    others = [network for network in networks if network not in baselines] or list(networks)
    size = max(1, (CO_RESIDENT - len(baselines)) // runtimes) if baselines else 1
    for start in range(0, len(others), size):
        yield others[start : start + size]


def _of(store: Store, uids: Sequence[str], baseline: str, *, runtimes: bool) -> list[Timing]:
    """Return the measurements in the order of ``uids``; of a baseline that several works measured, the first."""
    by_uid = {m.uid: m for m in find_measurements(store, uids)}
    chosen: dict[Any, Measurement] = {}
    for uid in uids:
        if uid in by_uid:
            chosen.setdefault((by_uid[uid].architecture, by_uid[uid].setup), by_uid[uid])
    return timings(store, list(chosen.values()), baseline, runtimes=runtimes)
