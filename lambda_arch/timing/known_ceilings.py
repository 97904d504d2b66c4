"""The ceilings of devices, measured once and kept."""

import json
from typing import Any

from lambda_arch.timing.channel import Worker, WorkerError
from lambda_arch.timing.measure import describe
from lambda_arch.timing.records import new_uid, now
from lambda_arch.timing.store import Store

SECONDS = 0.5  # for each size of each product


def ceilings(store: Store) -> dict[tuple[str, str, int], float]:
    """Return the highest rate for each (fingerprint, kind, threads): FLOP/s of a dtype, bytes/s of ``copy``."""
    rows = store.rows("SELECT fingerprint, kind, threads, max(rate) AS rate FROM ceiling GROUP BY 1, 2, 3")
    return {(row["fingerprint"], row["kind"], row["threads"]): row["rate"] for row in rows}


def known_or_measured(store: Store, device: str, threads: int, *, fresh: bool = False) -> dict[str, float]:
    """Return the ceilings of ``device`` by kind (dtype, or copy), measured now where the store has none."""
    fingerprint = describe(store, [device])[device]
    known = _of(store, fingerprint, threads)
    if known and not fresh:
        return known
    with Worker(threads) as worker:
        try:
            found: list[dict[str, Any]] = worker.ask(
                "ceilings", 600.0, device=device, threads=threads, seconds=SECONDS
            )["ceilings"]
        except WorkerError as error:
            raise OSError(f"{device}: its ceilings could not be measured ({error})") from None
    with store.transaction():
        for entry in found:
            row = {"uid": new_uid(), "fingerprint": fingerprint, "threads": threads, "started": now(), **entry}
            store.insert("ceiling", row)
    return _of(store, fingerprint, threads)


def _of(store: Store, fingerprint: str, threads: int) -> dict[str, float]:
    return {
        kind: rate
        for (of, kind, with_threads), rate in ceilings(store).items()
        if of == fingerprint and with_threads == threads
    }


def device_names() -> list[str]:
    """Return the devices that are here, as a worker sees them."""
    with Worker() as worker:
        try:
            return list(worker.ask("devices")["devices"])
        except WorkerError as error:
            raise OSError(f"devices: no process could look for them ({error})") from None


def machine_of(store: Store, device: str) -> dict[str, Any]:
    """Return the description of the machine behind ``device``, its fingerprint included."""
    fingerprint = describe(store, [device])[device]
    row = store.rows("SELECT description FROM machine WHERE fingerprint = ?", [fingerprint])[0]
    return {**json.loads(row["description"]), "fingerprint": fingerprint}
