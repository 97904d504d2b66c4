"""The kit's folder: finished items, a line each in items.jsonl, next to the store, the tables and the summary."""

import csv
import io
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu.item import Row
from lambda_arch.files import atomic_write

OK, SKIPPED, FAILED, CRASH, TIMEOUT, CUT = "ok", "skipped", "failed", "crash", "timeout", "cut short"
"""How an item ended. CUT: by the end of the call; it runs again in the next."""

ARCHIVE = "kit.zip"
UNPACKED = ("site", ARCHIVE)
"""What the archive leaves out: unpacked wheels, and itself."""


@dataclass(frozen=True)
class Finished:
    """An item that ended: its ``status``, why, its rows, and how many seconds it took."""

    key: str
    step: int
    table: str
    status: str
    reason: str
    seconds: float
    rows: list[Row]


class Folder:
    """The files below ``path``. A line that an interruption cut short is left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._items, self._rows = path / "items.jsonl", path / "rows.jsonl"
        self.store = path / "results.db"

    def finished(self) -> dict[str, Finished]:
        """Return the items that ended, by key; of an item that ran again, its last end."""
        found = {}
        for line in _lines(self._items):
            try:
                item = Finished(**line)
            except TypeError:
                continue
            found[item.key] = item
        return found

    def done(self) -> set[str]:
        """Return the keys of the items that need not run again."""
        return {key for key, item in self.finished().items() if item.status != CUT}

    def keep(self, item: Finished) -> None:
        """Append an item that ended; it is on disk when this returns. Its single rows are no longer needed."""
        _append(self._items, asdict(item))
        self._rows.unlink(missing_ok=True)

    def keep_row(self, key: str, row: Row) -> None:
        """Append a row of the item that runs, in case that it does not end well."""
        _append(self._rows, {"key": key, "row": row})

    def rows_of(self, key: str) -> list[Row]:
        """Return the rows that an item had when it was ended."""
        return [line["row"] for line in _lines(self._rows) if line.get("key") == key]

    def write_tables(self) -> None:
        """Write every table anew, as CSV: the rows of its items."""
        tables: dict[str, list[Row]] = {}
        for item in self.finished().values():
            if item.table and item.rows:
                tables.setdefault(item.table, []).extend(item.rows)
        for name, rows in tables.items():
            (self.path / "measured").mkdir(exist_ok=True)
            atomic_write(self.path / "measured" / f"{name}.csv", as_csv(rows))

    def pack(self) -> None:
        """Write all files into one archive, to bring them home."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(self.path.rglob("*")):
                inside = file.relative_to(self.path)
                if file.is_file() and inside.parts[0] not in UNPACKED:
                    archive.write(file, inside)
        atomic_write(self.path / ARCHIVE, packed.getvalue())


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as CSV; rows may lack columns of others."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _append(path: Path, line: dict[str, Any]) -> None:
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found
