"""The table of rounds: the raw samples of a measurement (seconds per step), round by round."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lambda_arch.store.connection import Store


def keep_round(
    store: Store, uid: str, number: int, samples: Sequence[float], readings: Mapping[str, Any], peak_memory: int
) -> None:
    """Store a round's samples and device readings, and the peak memory so far."""
    with store.transaction():
        row = {"measurement": uid, "number": number, "seconds": list(samples), "readings": dict(readings)}
        store.insert("round", row)
        store.update("measurement", uid, {"peak_memory": peak_memory})


def read_rounds(
    store: Store, uids: Sequence[str] | None = None
) -> dict[str, list[tuple[int, list[float], dict[str, Any]]]]:
    """Return number, samples and device readings of every round, by measurement (all, or those of ``uids``)."""
    which = "" if uids is None else "WHERE measurement IN (SELECT value FROM json_each(?))"
    found: dict[str, list[tuple[int, list[float], dict[str, Any]]]] = {}
    for row in store.sound_rows(
        f"SELECT * FROM round {which} ORDER BY measurement, number", [] if uids is None else [json.dumps(list(uids))]
    ):
        entry = (row["number"], json.loads(row["seconds"]), json.loads(row["readings"]))
        found.setdefault(row["measurement"], []).append(entry)
    return found
