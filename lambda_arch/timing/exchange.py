"""Stores merged, and everything measured as rows for other programs."""

import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lambda_arch.arch import did_you_mean
from lambda_arch.errors import SetupError
from lambda_arch.timing.cell import SETTINGS
from lambda_arch.timing.records import Measurement
from lambda_arch.timing.store import Store

TABLES = ("machine", "measurement", "round", "ceiling", "part", "choice")


def merge(store: Store, other: Path) -> dict[str, int]:
    """Copy into ``store`` what the store at ``other`` has more, and return how many rows of each table that was.

    All of it, or nothing; merging twice adds nothing. ``other`` is brought to the newest schema when it is older.
    Raises :class:`StoreError` where it is not a store.
    """
    if other.exists() and store.path.exists() and other.samefile(store.path):
        raise SetupError(f"{other}: the store itself; expected another one to merge")
    added = {}
    with Store(other, create=False) as source, store.transaction():
        for table in TABLES:
            before = _count(store, table)
            known = _merged_columns(table)
            for row in source.rows(f"SELECT * FROM {table}"):
                store.insert(table, row, known="IGNORE")
                if known and row["status"] not in ("running",):
                    store.update(table, row["uid"], {name: row[name] for name in known})
            added[table] = _count(store, table) - before
    return added


def _merged_columns(table: str) -> tuple[str, ...]:
    """Return the columns that a measurement gets when it ends: a copy made before that is completed."""
    ended = ("status", "reason", "loaded", "peak_memory", "median", "q1", "q3", "samples")
    return ended if table == "measurement" else ()


def _count(store: Store, table: str) -> int:
    return int(store.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


Filter = Callable[[Measurement], bool]

WHERE: dict[str, Callable[[Measurement], object]] = {
    **{name: (lambda m, name=name: getattr(m.setup, name)) for name in SETTINGS},  # type: ignore[misc]
    "architecture": lambda m: m.architecture,
    "image_size": lambda m: m.value.image_size,
    "status": lambda m: m.status,
    "device_name": lambda m: m.machine.get("device_name", ""),
    "fingerprint": lambda m: m.fingerprint,
    "torch": lambda m: m.machine.get("torch", ""),
    "started": lambda m: m.started,
}
"""What measurements can be chosen by."""


def select(found: Sequence[Measurement], conditions: Sequence[str]) -> list[Measurement]:
    """Return the measurements that meet every condition: ``name=value``, where a value may hold ``*`` and ``?``.

    Raises :class:`SetupError` for a condition that is none.
    """
    filters = [_filter(condition) for condition in conditions]
    return [measurement for measurement in found if all(keeps(measurement) for keeps in filters)]


def _filter(condition: str) -> Filter:
    name, equals, pattern = (part.strip() for part in condition.partition("="))
    if not equals or name not in WHERE:
        hint = did_you_mean(name, WHERE)
        raise SetupError(f"--where {condition}: expected name=value with one of {', '.join(WHERE)}{hint}")
    return lambda measurement: fnmatch.fnmatchcase(_text(WHERE[name](measurement)).lower(), pattern.lower())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to a Parquet file, whole or not at all; lists stay lists.

    Raises :class:`SetupError` where pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise SetupError(f"{path}: Parquet needs pyarrow; expected `pip install lambda-arch[parquet]`") from None
    beside = path.with_name(f".{path.name}.part")
    try:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), beside)
        beside.replace(path)
    except FileNotFoundError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        beside.unlink(missing_ok=True)
