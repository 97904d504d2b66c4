"""The ceilings of devices, measured once and kept."""

from dataclasses import asdict
from typing import Any

from lambda_arch.store.connection import Store
from lambda_arch.store.machines import read_machine
from lambda_arch.store.peaks import keep_peaks, read_peaks
from lambda_arch.timing.measure import describe
from lambda_arch.timing.protocol.process import WorkerError, WorkerProcess

SECONDS = 0.5  # for each size of each product


def known_or_measured(store: Store, device: str, threads: int, *, fresh: bool = False) -> dict[str, float]:
    """Return the ceilings of ``device`` by kind (dtype, or copy), measured now where the store has none."""
    fingerprint = describe(store, [device])[device]
    known = _of(store, fingerprint, threads)
    if known and not fresh:
        return known
    with WorkerProcess(threads) as worker:
        try:
            found = worker.peaks(device, threads, SECONDS)
        except WorkerError as error:
            raise OSError(f"{device}: its ceilings could not be measured ({error})") from None
    keep_peaks(store, fingerprint, threads, [asdict(peak) for peak in found])
    return _of(store, fingerprint, threads)


def _of(store: Store, fingerprint: str, threads: int) -> dict[str, float]:
    return {
        kind: rate
        for (of, kind, with_threads), rate in read_peaks(store).items()
        if of == fingerprint and with_threads == threads
    }


def device_names() -> list[str]:
    """Return the devices that are here, as a worker sees them."""
    with WorkerProcess() as worker:
        try:
            return list(worker.devices())
        except WorkerError as error:
            raise OSError(f"devices: no process could look for them ({error})") from None


def machine_of(store: Store, device: str) -> dict[str, Any]:
    """Return the description of the machine behind ``device``, its fingerprint included."""
    return read_machine(store, describe(store, [device])[device])
