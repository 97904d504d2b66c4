"""Merging stores, so that measurements of several machines are in one file."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from lambda_arch.errors import StoreError
from lambda_arch.store.checksums import is_sound
from lambda_arch.store.connection import Store
from lambda_arch.store.status import Status

TABLES = ("machine", "measurement", "round", "peak", "part", "choice", "run", "evaluation")
"""All tables; those that others refer to come first."""
ENDED = ("status", "reason", "loaded", "peak_memory", "median", "q1", "q3", "samples")
"""The columns that are set when a measurement ends; merging updates a copy that was made before."""


SKIPPED = "skipped"


OWN = {"measurement": "uid", "round": "measurement", "part": "uid", "run": "uid", "evaluation": "uid"}
"""Tables of which some rows can be chosen, by this column; of the others all rows are merged."""


def merge(store: Store, other: Path, only: Collection[str] | None = None) -> dict[str, int]:
    """Copy the rows that ``store`` lacks from the store at ``other``; return how many were added to each table.

    It copies all or nothing, and merging again adds nothing. ``other`` is read in a consistent state, even while it is
    written to, and is not changed. Its damaged rows, and rows that refer to them, are left out and counted as
    ``skipped``. ``only``: of measurements, parts and runs, take those with these uids.

    Raises :class:`StoreError` if it is not a store, or is ``store`` itself.
    """
    added = dict.fromkeys(TABLES, 0) | {SKIPPED: 0}
    with Store(other, create=False, read_only=True) as source, store.transaction():
        if other.samefile(store.path):
            raise StoreError(f"{other}: the store itself; expected another one to merge")
        for table in TABLES:
            rows = _rows(source, table, only)
            parents = _parents(store, table, rows)
            for row in rows:
                if not is_sound(row) or any(row[column] not in keys for column, keys in parents.items()):
                    added[SKIPPED] += 1
                elif store.insert(table, row, known="IGNORE"):
                    added[table] += 1
                elif table == "measurement" and row["status"] != Status.RUNNING:
                    store.update(table, row["uid"], {name: row[name] for name in ENDED})
                elif table == "run":
                    _complete_run(store, row)
    return added


def _rows(source: Store, table: str, only: Collection[str] | None) -> list[dict[str, Any]]:
    if only is None or table not in OWN:
        return source.rows(f"SELECT * FROM {table}")
    return source.rows(
        f"SELECT * FROM {table} WHERE {OWN[table]} IN (SELECT value FROM json_each(?))", [json.dumps(list(only))]
    )


def _complete_run(store: Store, row: dict[str, Any]) -> None:
    """Update a run that was copied before it ended to the state of ``row``, if that is further."""
    fewer = (
        "SELECT 1 FROM run WHERE uid = :uid AND (json_array_length(epochs) < json_array_length(:epochs) OR "
        "(json_array_length(epochs) = json_array_length(:epochs) AND status = 'running'))"
    )
    if store.rows(fewer, row):
        store.update("run", row["uid"], {name: row[name] for name in ("status", "epochs", "folder", "node")})


def _parents(store: Store, table: str, rows: Sequence[dict[str, Any]]) -> dict[str, set[object]]:
    """Return which keys that ``rows`` refer to are there, by the column that refers to another table."""
    found = {}
    for each in store.rows(f"PRAGMA foreign_key_list({table})"):
        key = store.rows(f"SELECT name FROM pragma_table_info('{each['table']}') WHERE pk = 1")[0]["name"]
        there = f"SELECT {key} FROM {each['table']} WHERE {key} IN (SELECT value FROM json_each(?))"
        needed = json.dumps(list({str(row[each["from"]]) for row in rows}))
        found[each["from"]] = {row[key] for row in store.rows(there, [needed])}
    return found
