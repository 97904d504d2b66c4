"""The table of peaks: the highest measured rates of a device, in FLOP/s for each dtype and bytes/s for a copy."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_arch.store.connection import Store
from lambda_arch.store.keys import new_uid, now


def keep_peaks(store: Store, fingerprint: str, threads: int, found: Sequence[Mapping[str, Any]]) -> None:
    """Store peaks, each with its ``kind`` (a dtype, or copy), ``rate`` and ``detail``."""
    with store.transaction():
        for entry in found:
            row = {"uid": new_uid(), "fingerprint": fingerprint, "threads": threads, "started": now(), **entry}
            store.insert("peak", row)


def read_peaks(store: Store) -> dict[tuple[str, str, int], float]:
    """Return the highest rate for each (fingerprint, kind, threads)."""
    rows = store.sound_rows("SELECT * FROM peak ORDER BY rate")
    return {(row["fingerprint"], row["kind"], row["threads"]): row["rate"] for row in rows}
