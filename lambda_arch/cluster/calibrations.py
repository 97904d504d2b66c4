"""Calibration on a cluster: every host network, with the parts that are wanted of it, is timed on one device."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from lambda_arch.arch import Architecture
from lambda_arch.cluster.connection import connected
from lambda_arch.cluster.progress import Progress
from lambda_arch.cluster.scheduling import carry_out
from lambda_arch.cluster.threads import kind_of, latency_threads
from lambda_arch.cluster.work import Work
from lambda_arch.errors import SetupError
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest, new_uid
from lambda_arch.store.parts import PART_SPREAD, describe_part, part_key, part_uids
from lambda_arch.store.setup import Setup
from lambda_arch.timing.arguments import Architectures, StoreLike, opened, read_architectures
from lambda_arch.timing.calibration import Calibration, block_latencies, check_parts, known_parts, wanted_parts
from lambda_arch.timing.calibration import calibrate as calibrate_here
from lambda_arch.timing.hosts import hosts
from lambda_arch.timing.limits import Limits

SETTINGS = ("device", "batch_size", "dtype", "cast", "memory_format", "mode", "threads", "clock", "evaluation")
"""The settings of a setup in which parts are timed."""


@dataclass(frozen=True)
class HostParts(Work):
    """The latencies of the parts of a ``host``; ``wanted`` are their keys."""

    host: Architecture
    wanted: tuple[str, ...]
    setup: Setup
    arguments: Mapping[str, Any]
    again: str = ""

    undisturbed = True

    @property
    def name(self) -> str:
        """The host."""
        return str(self.host)

    @property
    def key(self) -> str:
        """A digest of everything that the results depend on."""
        rest = {"wanted": self.wanted, "setup": self.setup.identity, "again": self.again, **self.arguments}
        return digest({"work": "parts", "host": self.name, **rest})

    @property
    def device(self) -> str:
        """The kind of device: cpu or cuda."""
        return self.setup.kind

    @property
    def threads(self) -> int:
        """Those of the setup."""
        return self.setup.threads

    def find(self, store: Store, fingerprints: Collection[str]) -> list[str] | None:
        """Return the uids of the latencies of the parts, if none has to be timed again."""
        limits = Limits.of(**self.arguments)
        for fingerprint in sorted(fingerprints):
            if not self.again and set(self.wanted) <= known_parts(store, fingerprint, self.setup, limits):
                return part_uids(store, fingerprint, self.setup, self.wanted)
        return None

    def run(self, store: Store) -> list[str]:
        """Time the parts here. Raises :class:`SetupError` if the host cannot run."""
        settings = {name: value for name, value in self.setup.arguments.items() if name in SETTINGS}
        found = calibrate_here(self.host, fresh=bool(self.again), store=store, **settings, **self.arguments)
        if found.failures:
            raise SetupError(found.failures[0])
        return part_uids(store, found.latencies.fingerprint, self.setup, self.wanted)


def calibrate(
    architectures: Architectures,
    *,
    cluster: str = "local",
    resource: str = "",
    choices: str = "",
    device: str = "cpu",
    threads: int = 0,
    seconds: float = 5.0,
    spread: float = PART_SPREAD,
    timeout: float = 600.0,
    memory_limit: float = 0.0,
    fresh: bool = False,
    store: StoreLike = None,
    progress: Progress = None,
    **settings: Any,
) -> Calibration:
    """Calibrate as :func:`lambda_arch.calibrate` does, on the nodes of ``cluster`` (see :func:`connected`).

    A task times one host network. Latencies of parts are added up, so all nodes have to have the same device (by
    fingerprint); ``resource``: only on nodes with this resource of Ray.

    Raises what :func:`lambda_arch.calibrate` raises, and :class:`SetupError` without Ray or such a cluster, and for
    nodes whose devices differ.
    """
    networks, kind = read_architectures(architectures), kind_of(device)
    limits = {"seconds": seconds, "spread": spread, "timeout": timeout, "memory_limit": memory_limit}
    Limits.of(**limits)
    wanted = wanted_parts(networks, choices)
    keys = {each.key for each in wanted}
    with connected(cluster) as ray, opened(store) as kept:
        threads = latency_threads(ray, cluster, threads) if kind == "cpu" else threads
        setup = Setup(kind, threads=threads, **settings)
        check_parts(setup, "calibrate")
        again = new_uid() if fresh else ""
        works = [
            HostParts(host, tuple(sorted(keys & set(map(part_key, host.parts())))), setup, limits, again)
            for host in hosts(wanted)
        ]
        carried = carry_out(works, kept, cluster=cluster, resource=resource, alike="machine", progress=progress)
        parts = {each.key: describe_part(each.part) for each in wanted}
        latencies = block_latencies(kept, setup, fingerprint=next(iter(carried.fingerprints), "none"))
        return Calibration(parts, latencies, tuple(carried.failures.values()), carried.interrupted)
