"""Stores merged: what was measured on several machines, in one file."""

from pathlib import Path
from typing import Any

from lambda_arch.errors import StoreError
from lambda_arch.store.connection import Store
from lambda_arch.store.status import Status

TABLES = ("machine", "measurement", "round", "peak", "part", "choice", "run")
"""All of them, those that others refer to first."""
ENDED = ("status", "reason", "loaded", "peak_memory", "median", "q1", "q3", "samples")
"""The columns that a measurement gets when it ends: a copy made before that is completed."""


def merge(store: Store, other: Path) -> dict[str, int]:
    """Copy into ``store`` what the store at ``other`` has more, and return how many rows of each table that was.

    All of it, or nothing; merging twice adds nothing. ``other`` is brought to the newest schema when it is older.
    Raises :class:`StoreError` where it is not a store, or is ``store`` itself.
    """
    added = {}
    with Store(other, create=False) as source, store.transaction():
        if other.samefile(store.path):
            raise StoreError(f"{other}: the store itself; expected another one to merge")
        for table in TABLES:
            before = _count(store, table)
            for row in source.rows(f"SELECT * FROM {table}"):
                store.insert(table, row, known="IGNORE")
                if table == "measurement" and row["status"] != Status.RUNNING:
                    store.update(table, row["uid"], {name: row[name] for name in ENDED})
                if table == "run":
                    _complete_run(store, row)
            added[table] = _count(store, table) - before
    return added


def _complete_run(store: Store, row: dict[str, Any]) -> None:
    """Bring a run that was copied while it went on to the state of ``row``, where that has more epochs."""
    fewer = "SELECT 1 FROM run WHERE uid = ? AND json_array_length(epochs) < json_array_length(?)"
    if store.rows(fewer, [row["uid"], row["epochs"]]):
        store.update("run", row["uid"], {"status": row["status"], "epochs": row["epochs"]})


def _count(store: Store, table: str) -> int:
    return int(store.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])
