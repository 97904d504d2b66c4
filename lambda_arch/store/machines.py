"""The table of machines: a device and all else that a latency may depend on, by fingerprint."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from lambda_arch.store.connection import Store


def keep_machine(store: Store, description: Mapping[str, Any]) -> str:
    """Store a machine as its worker described it, where the store can be written to; return its fingerprint."""
    rest = {name: value for name, value in description.items() if name != "fingerprint"}
    row = {"fingerprint": description["fingerprint"], "device_name": rest["device_name"], "description": rest}
    if not store.read_only:
        store.insert("machine", row, known="IGNORE")
    return str(description["fingerprint"])


def read_machine(store: Store, fingerprint: str) -> dict[str, Any]:
    """Return the description of a machine that was kept, its fingerprint included; that alone where it is damaged."""
    rows = store.sound_rows("SELECT * FROM machine WHERE fingerprint = ?", [fingerprint])
    return {**(json.loads(rows[0]["description"]) if rows else {}), "fingerprint": fingerprint}


def machines_of(store: Store, uids: Collection[str]) -> set[str]:
    """Return the fingerprints of the machines on which these measurements, parts and runs were made."""
    return {
        row["fingerprint"]
        for table in ("measurement", "part", "run")
        for row in store.rows(
            f"SELECT DISTINCT fingerprint FROM {table} WHERE uid IN (SELECT value FROM json_each(?))",
            [json.dumps(list(uids))],
        )
    }
