"""The kit's folder: finished items, a line each in items.jsonl, next to the store, the tables and the summary."""

import csv
import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu.item import Row
from lambda_arch.files import atomic_write

OK, SKIPPED, FAILED, CRASH, TIMEOUT = "ok", "skipped", "failed", "crash", "timeout"


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
        self._items = path / "items.jsonl"
        self.store = path / "results.db"

    def finished(self) -> dict[str, Finished]:
        """Return the finished items by key."""
        found = {}
        if self._items.exists():
            for line in self._items.read_text("utf-8").splitlines():
                try:
                    item = Finished(**json.loads(line))
                except (ValueError, TypeError):
                    continue
                found[item.key] = item
        return found

    def keep(self, item: Finished) -> None:
        """Append a finished item; it is on disk when this returns."""
        torn = self._items.exists() and not self._items.read_bytes().endswith(b"\n")
        with self._items.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(asdict(item)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def write_tables(self) -> None:
        """Write every table anew, as CSV: the rows of its finished items."""
        tables: dict[str, list[Row]] = {}
        for item in self.finished().values():
            if item.table and item.rows:
                tables.setdefault(item.table, []).extend(item.rows)
        for name, rows in tables.items():
            (self.path / "measured").mkdir(exist_ok=True)
            atomic_write(self.path / "measured" / f"{name}.csv", as_csv(rows))


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as CSV; rows may lack columns of others."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
