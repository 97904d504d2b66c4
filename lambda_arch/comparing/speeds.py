"""Published speeds as ratios to their table's baseline, and our own measurements of the same networks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lambda_arch.arch import Architecture, ArchitectureError, did_you_mean
from lambda_arch.comparing.comparison import row_architecture
from lambda_arch.published import PublishedRow, load_table
from lambda_arch.results import Result
from lambda_arch.store.measurements import find_in_session
from lambda_arch.timing.arguments import StoreLike, opened
from lambda_arch.timing.measuring import Measurements, Timing, measure


@dataclass(frozen=True)
class _Speed:
    """The speeds of a table: their column, the mode they were measured in, and which rows are baselines."""

    column: str
    mode: str
    is_baseline: Callable[[PublishedRow], bool]


_SPEEDS = {
    "hybrid_stages": _Speed("throughput", "inference", lambda row: row.cells["stages"] == "CCCC"),
    "c4_lambda_count": _Speed("throughput", "train", lambda row: row.cells["variant"] == "baseline"),
    "layer_memory": _Speed("throughput", "inference", lambda row: row.cells["layer"] == "lambda layer"),
    "pareto_figure3": _Speed(
        "seconds_per_1024", "train", lambda row: (row.cells["depth"], row.cells["image_size"]) == ("101", "160")
    ),
}

TIMED = tuple(_SPEEDS)
"""The tables that print speeds."""


@dataclass(frozen=True)
class TimedRow:
    """A row whose network can be built: its keys, its network, its baseline's network and the printed speed.

    ``paper``: the row's printed time over its baseline's (for throughputs, the baseline's over the row's); None without
    a printed figure.
    """

    keys: tuple[str, ...]
    architecture: Architecture
    baseline: Architecture
    printed: str
    paper: float | None


@dataclass(frozen=True)
class TimedTable:
    """A published table with a column of speeds, to measure in ``mode``."""

    name: str
    title: str
    mode: str
    label: str
    key_names: tuple[str, ...]
    rows: tuple[TimedRow, ...]
    not_buildable: tuple[str, ...]

    @cached_property
    def architectures(self) -> list[Architecture]:
        """The networks of the rows, each once."""
        return list(dict.fromkeys(row.architecture for row in self.rows))

    @cached_property
    def baselines(self) -> list[Architecture]:
        """The networks of the baseline rows."""
        return list(dict.fromkeys(row.baseline for row in self.rows))


def timed_table(name: str) -> TimedTable:
    """Return the table ``name``; raises ArchitectureError if it prints no speeds.

    A row's baseline is the last baseline row before it; rows before the first baseline use the first.
    """
    if name not in _SPEEDS:
        raise ArchitectureError(f"table={name}: expected one of {', '.join(TIMED)}{did_you_mean(name, TIMED)}")
    speed, table = _SPEEDS[name], load_table(name)
    column = next(column for column in table.columns if column.name == speed.column)
    baseline = next(row for row in table.rows if speed.is_baseline(row))
    rows, missing = [], []
    for row in table.rows:
        baseline = row if speed.is_baseline(row) else baseline
        ours, theirs = row_architecture(row), row_architecture(baseline)
        if ours is None or theirs is None:
            missing.append(" ".join(row.cells[key] for key in table.keys))
            continue
        figure, base = (_number(each.cells[column.name]) for each in (row, baseline))
        paper = None
        if figure and base:
            paper = figure / base if column.quantity == "seconds" else base / figure
        keys = tuple(row.cells[key] for key in table.keys)
        rows.append(TimedRow(keys, ours, theirs, row.cells[column.name], paper))
    label = f"{column.label} ({column.unit})"
    return TimedTable(name, table.title, speed.mode, label, table.keys, tuple(rows), tuple(missing))


@dataclass(frozen=True)
class TableTimings(Result):
    """A published table measured: each row with our timing and its ratio to the row's baseline.

    ``interrupted``: whether Ctrl-C ended it early.
    """

    table: TimedTable
    rows: tuple[tuple[TimedRow, Timing], ...]
    interrupted: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether any row could be measured."""
        return any(timing.measurement.samples for _, timing in self.rows)


def measure_table(
    name: str | TimedTable,
    *,
    mode: str | None = None,
    store: StoreLike = None,
    verb: Callable[..., Measurements] = measure,
    **options: Any,
) -> TableTimings:
    """Measure the networks of a published table in interleaved rounds with those of its baseline rows.

    ``name``: the table, or some of its rows as a value; ``mode`` is the table's own unless given; ``options`` are those
    of ``verb``, :func:`lambda_arch.measure`, with one batch size and one dtype. Raises what that raises, and
    :class:`ArchitectureError` for a table that prints no speeds.
    """
    table = timed_table(name) if isinstance(name, str) else name
    one = isinstance(options.get("batch_size", 1), (int, str))
    if not (one and all(isinstance(options.get(word, ""), str) for word in ("dtype", "runtime"))):
        raise ArchitectureError(f"table={table.name}: expected one batch size, one dtype and one runtime")
    with opened(store) as kept:
        chosen: Any = mode or table.mode
        found = verb(table.architectures, baseline=table.baselines, mode=chosen, store=kept, **options)
        by_name = {timing.measurement.architecture: timing for timing in found}
        rows = []
        for row in table.rows:
            timing = by_name.get(str(row.architecture))
            if timing is not None:
                ours = timing.measurement
                base = find_in_session(kept, ours.session, str(row.baseline))
                ratio = ours.ratio_to(base) if base else None
                rows.append((row, Timing(ours, str(row.baseline), ratio, stored=timing.stored)))
    return TableTimings(table, tuple(rows), found.interrupted)


def table_rows(found: TableTimings) -> list[dict[str, Any]]:
    """Return one row per published row, flat: its keys, the printed speed and ratio, and our timing."""
    names = found.table.key_names
    return [
        {
            **dict(zip(names, row.keys, strict=True)),
            "paper": row.printed or None,
            "paper_ratio": row.paper,
            **timing.as_dict(),
        }
        for row, timing in found.rows
    ]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
