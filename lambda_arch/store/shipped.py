"""Figures that this project measured and that come with the package: latencies and trained accuracies.

The files in ``measured/`` are CSV as commands write it: ``time --table TABLE --out``, and ``runs --long --out``.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from lambda_arch.store.setup import LATER, Setup
from lambda_arch.store.statistics import Summary


@dataclass(frozen=True)
class ShippedLatency:
    """A latency as :class:`Measurement` has it, without the raw samples.

    ``summary`` is in seconds per step. ``table``: the published table whose networks were measured together.
    ``machine`` has the whole row of the file, with versions, session, warnings and the ratio to a baseline.
    """

    table: str
    architecture: str
    setup: Setup
    fingerprint: str
    machine: Mapping[str, Any]
    summary: Summary


@dataclass(frozen=True)
class ShippedRun:
    """A finished training run: ``top1`` in percent, and ``row``, everything that the file has of its last epoch."""

    architecture: str
    recipe: str
    settings: str
    data: str
    top1: float
    row: Mapping[str, str]


def shipped_latencies() -> list[ShippedLatency]:
    """Return all latencies that come with the package, device by device. No errors are raised."""
    return [_latency(table, row) for table, row in _rows("latencies")]


def shipped_runs() -> list[ShippedRun]:
    """Return every run that comes with the package, as it was after its last epoch. No errors are raised."""
    names = ("architecture", "recipe", "settings", "data")
    last = {tuple(row[name] for name in (*names, "seed")): row for _, row in _rows("trainings")}
    return [
        ShippedRun(**{name: row[name] for name in names}, top1=float(row["top1"]), row=row) for row in last.values()
    ]


def _rows(kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the rows of all files of a kind, each with the name of its file."""
    folders = [files("lambda_arch.store") / "measured" / kind]
    while folders:
        for each in sorted(folders.pop().iterdir(), key=lambda each: each.name):
            if each.is_dir():
                folders.append(each)
            elif each.name.endswith(".csv"):
                for row in csv.DictReader(io.StringIO(each.read_text("utf-8"))):
                    yield each.name.removesuffix(".csv"), row


def _latency(table: str, row: dict[str, str]) -> ShippedLatency:
    numbers = {name: int(row[name]) for name in ("batch", "threads")}
    flags = {name: row[name] == "yes" for name in ("compile", "graph")}
    median, q1, q3 = (float(row[name]) / 1e3 for name in ("median_ms", "q1_ms", "q3_ms"))
    return ShippedLatency(
        table,
        row["architecture"],
        Setup.from_columns({**LATER, **row, **numbers, **flags}),
        row["fingerprint"],
        row,
        Summary(median, q1, q3, int(row["samples"])),
    )
