"""A checksum per row, so that rows changed on disk or by other programs are not shown as measurements."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

COLUMN = "checksum"


def checksum(row: Mapping[str, Any]) -> str:
    """Return the checksum of a row's other columns, which depends on their names, values and types."""
    fields = {name: value for name, value in row.items() if name != COLUMN}
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=repr).encode()).hexdigest()[:16]


def is_sound(row: Mapping[str, Any]) -> bool:
    """Return whether the checksum of a row, given with all of its columns, is right."""
    return bool(row.get(COLUMN) == checksum(row))  # a damaged schema may have lost the column


def tables(connection: sqlite3.Connection) -> list[str]:
    """Return the tables whose rows have checksums."""
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in names if any(row[1] == COLUMN for row in connection.execute(f"PRAGMA table_info({name})"))]


def unsound(connection: sqlite3.Connection) -> set[tuple[str, int]]:
    """Return table and row number of each row whose checksum is wrong."""
    return {
        (name, number) for name in tables(connection) for number, row in numbered(connection, name) if not is_sound(row)
    }


def numbered(
    connection: sqlite3.Connection, table: str, where: str = "", values: Sequence[Any] = ()
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a table, or those that meet an SQL condition, with their numbers."""
    for row in connection.execute(f"SELECT rowid AS rowid_, * FROM {table} {where}", values).fetchall():
        fields = dict(row)
        yield fields.pop("rowid_"), fields


def seal(connection: sqlite3.Connection, table: str, numbers: Iterable[int]) -> None:
    """Write the checksums of the rows with these numbers."""
    for number in numbers:
        row = connection.execute(f"SELECT * FROM {table} WHERE rowid = ?", [number]).fetchone()
        connection.execute(f"UPDATE {table} SET {COLUMN} = ? WHERE rowid = ?", [checksum(dict(row)), number])


def seal_all(connection: sqlite3.Connection, but: set[tuple[str, int]]) -> None:
    """Write the checksums of all rows except those in ``but``."""
    for table in tables(connection):
        numbers = [row[0] for row in connection.execute(f"SELECT rowid FROM {table}").fetchall()]
        seal(connection, table, (number for number in numbers if (table, number) not in but))
