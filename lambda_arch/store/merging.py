"""Stores merged: what was measured on several machines, in one file."""

from pathlib import Path
from typing import Any

from lambda_arch.errors import StoreError
from lambda_arch.store.checksums import is_sound
from lambda_arch.store.connection import Store
from lambda_arch.store.status import Status

TABLES = ("machine", "measurement", "round", "peak", "part", "choice", "run")
"""All of them, those that others refer to first."""
ENDED = ("status", "reason", "loaded", "peak_memory", "median", "q1", "q3", "samples")
"""The columns that a measurement gets when it ends: a copy made before that is completed."""


SKIPPED = "skipped"


def merge(store: Store, other: Path) -> dict[str, int]:
    """Copy into ``store`` what the store at ``other`` has more, and return how many rows of each table that was.

    All of it, or nothing; merging twice adds nothing. ``other`` is read as it is at one moment, also while it is being
    written to, and left as it is, also when it is older. Its damaged rows, and those that belong to them, are left out
    and counted as ``skipped``.

    Raises :class:`StoreError` where it is not a store, or is ``store`` itself.
    """
    added = dict.fromkeys(TABLES, 0) | {SKIPPED: 0}
    with Store(other, create=False, read_only=True) as source, store.transaction():
        if other.samefile(store.path):
            raise StoreError(f"{other}: the store itself; expected another one to merge")
        for table in TABLES:
            parents = _parents(store, table)
            for row in source.rows(f"SELECT * FROM {table}"):
                if not is_sound(row) or any(row[column] not in keys for column, keys in parents.items()):
                    added[SKIPPED] += 1
                elif store.insert(table, row, known="IGNORE"):
                    added[table] += 1
                elif table == "measurement" and row["status"] != Status.RUNNING:
                    store.update(table, row["uid"], {name: row[name] for name in ENDED})
                elif table == "run":
                    _complete_run(store, row)
    return added


def _complete_run(store: Store, row: dict[str, Any]) -> None:
    """Bring a run that was copied while it went on to the state of ``row``, where that has more epochs."""
    fewer = "SELECT 1 FROM run WHERE uid = ? AND json_array_length(epochs) < json_array_length(?)"
    if store.rows(fewer, [row["uid"], row["epochs"]]):
        store.update("run", row["uid"], {"status": row["status"], "epochs": row["epochs"]})


def _parents(store: Store, table: str) -> dict[str, set[object]]:
    """Return the keys that there are of each table that the rows of ``table`` refer to, by the column that does so."""
    found = {}
    for each in store.rows(f"PRAGMA foreign_key_list({table})"):
        key = store.rows(f"SELECT name FROM pragma_table_info('{each['table']}') WHERE pk = 1")[0]["name"]
        found[each["from"]] = {row[key] for row in store.rows(f"SELECT {key} FROM {each['table']}")}
    return found
