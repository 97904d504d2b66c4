"""Descriptions of the machine and its devices, made by a worker, with peak rates that are measured once and stored."""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, TypeVar

from lambda_arch.errors import SetupError
from lambda_arch.results import Result
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import keep_machine, read_machine
from lambda_arch.store.peaks import keep_peaks, read_peaks
from lambda_arch.store.setup import Setup, default_threads, device_name
from lambda_arch.timing.arguments import StoreLike, opened
from lambda_arch.timing.protocol.known_rates import know_rates
from lambda_arch.timing.protocol.process import WorkerError, WorkerProcess

PEAK_SECONDS = 0.5  # for each size of each operation
VISIBLE = "CUDA_VISIBLE_DEVICES"
NARROW = "narrow_fp32"  # a rate that stores of earlier versions lack

T = TypeVar("T")


@dataclass(frozen=True)
class Device:
    """A device: its ``machine`` (see the store), and its ``peaks`` by dtype (FLOP/s) and of a ``copy`` (bytes/s)."""

    name: str
    threads: int
    machine: dict[str, Any]
    peaks: dict[str, float]


@dataclass(frozen=True)
class Devices(Result):
    """The devices of this machine."""

    devices: tuple[Device, ...]


def devices(*, threads: int = 0, fresh: bool = False, store: StoreLike = None) -> Devices:
    """Return the devices of this machine with their peak rates, measured if ``store`` has none (or ``fresh``).

    Rates are FLOP/s of matrix products per dtype, and bytes/s of a copy. ``threads``: of the CPU, 0 for OMP_NUM_THREADS
    or one per core. Raises :class:`StoreError` for a store that cannot be used.
    """
    count = threads or default_threads()
    with opened(store) as kept:
        found = []
        for name in _ask(0, WorkerProcess.devices, "devices: no process could look for them"):
            fingerprint = fingerprint_of(kept, name)
            peaks = peaks_of(kept, fingerprint, name, count, fresh=fresh)
            found.append(Device(name, count, read_machine(kept, fingerprint), peaks))
    return Devices(tuple(found))


def fingerprint_of(store: Store, device: str) -> str:
    """Return the fingerprint of the machine as seen from ``device``, and store its description.

    Raises :class:`SetupError` for a device that this machine does not have.
    """
    return keep_machine(store, _description(device_name(device), os.environ.get(VISIBLE), WorkerProcess))


@cache
def _description(device: str, visible: str | None, process: type[WorkerProcess]) -> dict[str, Any]:
    """Return what a ``process`` sees, with the fingerprint: it looks once, and again where other GPUs are visible."""
    machine = _ask(0, lambda worker: worker.machine(device), f"{device}: no process could look at it")
    return {**machine.as_dict(), "fingerprint": machine.fingerprint}


def peaks_of(store: Store, fingerprint: str, device: str, threads: int, *, fresh: bool = False) -> dict[str, float]:
    """Return the peak rates of ``device`` by kind (dtype, or copy), measured now if the store has none."""
    known = _known_peaks(store, fingerprint, threads)
    if known and not fresh:
        return known
    message = f"{device}: its peaks could not be measured"
    found = _ask(threads, lambda worker: worker.peaks(device, threads, PEAK_SECONDS), message)
    keep_peaks(store, fingerprint, threads, [asdict(peak) for peak in found])
    return _known_peaks(store, fingerprint, threads)


def learn_rates(store: Store, fingerprint: str, setups: Sequence[Setup]) -> None:
    """Let workers know the rates of the GPU, where a cost model chooses evaluations; measured if the store has none.

    That takes some seconds, and a warning says so.
    """
    chosen = [setup for setup in setups if setup.kind == "cuda" and setup.evaluation in ("auto", "prepared")]
    if not chosen:
        return
    device, threads = chosen[0].device, chosen[0].threads
    name = str(read_machine(store, fingerprint).get("device_name", device))
    rates = _known_peaks(store, fingerprint, threads)
    if NARROW not in rates:
        warnings.warn(f"{name}: measuring its rates once, for some seconds, to choose evaluations", stacklevel=2)
        rates = peaks_of(store, fingerprint, device, threads, fresh=True)
    know_rates(name, rates)


def _known_peaks(store: Store, fingerprint: str, threads: int) -> dict[str, float]:
    known = read_peaks(store).items()
    return {kind: rate for (where, kind, count), rate in known if (where, count) == (fingerprint, threads)}


def _ask(threads: int, question: Callable[[WorkerProcess], T], message: str) -> T:
    try:
        with WorkerProcess(threads) as worker:
            return question(worker)
    except WorkerError as error:
        raise SetupError(f"{message} ({error})") from None
