"""The front of a user's table: the rows of a CSV file, with columns as objectives."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lambda_arch.errors import DataError, LambdaArchError, did_you_mean
from lambda_arch.files import read_csv
from lambda_arch.results import Result
from lambda_arch.searching.arrays import Floats, Mask
from lambda_arch.searching.dominators import dominators
from lambda_arch.searching.metrics import METRICS, Metric, column_metric


@dataclass(frozen=True)
class TableFront(Result):
    """The non-dominated rows of a table, the members of its front.

    ``rows`` have a cell per column. ``values`` has one column per objective, as in the table. ``on_front`` says which
    rows are members. ``skipped`` counts rows that lack a number for some objective.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    objectives: tuple[Metric, ...]
    values: Floats
    on_front: Mask
    skipped: int

    @cached_property
    def members(self) -> list[int]:
        """The rows on the front, sorted by the first objective."""
        found = np.flatnonzero(self.on_front)
        return list(map(int, found[np.argsort(self.values[found, 0], kind="stable")]))

    @cached_property
    def by(self) -> NDArray[np.int64]:
        """For every row that is not a member, a member that dominates it; -1 for members."""
        return dominators(_minimised(self.values, self.objectives), self.on_front)

    def row(self, i: int) -> dict[str, str]:
        """Return the cells of row ``i`` by column."""
        return dict(zip(self.columns, self.rows[i], strict=True))


def table_front(
    path: Path,
    minimize: Sequence[str],
    maximize: Sequence[str],
    *,
    progress: Callable[[float], None] | None = None,
) -> TableFront:
    """Return the front of the CSV file at ``path``; of equal rows all are members.

    ``progress`` is called with the share of the file that is read. Raises :class:`LambdaArchError` without objectives,
    :class:`DataError` for a missing column or if no row has numbers, and OSError.
    """
    import moocore

    columns, lines = read_csv(path, progress)
    if not lines:
        raise DataError(f"{path}: expected a CSV file with a line of columns and rows below it")
    objectives = [_objective(path, name, columns, "min") for text in minimize for name in text.split(",")]
    objectives += [_objective(path, name, columns, "max") for text in maximize for name in text.split(",")]
    if not objectives:
        raise LambdaArchError("no objective: expected a column to minimize or maximize, such as minimize=macs")
    names = [metric.name for metric in objectives]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise LambdaArchError(f"{twice[0]}: an objective twice; expected it once")
    values = np.array([_numbers([row[columns.index(name)] for _, row in lines]) for name in names]).T
    kept = np.isfinite(values).all(axis=1)
    if not kept.any():
        raise DataError(f"{path}: no row has a number for each of {', '.join(names)}")
    rows = tuple(row for (_, row), keep in zip(lines, kept.tolist(), strict=True) if keep)
    values = values[kept]
    minimised = _minimised(values, objectives)
    on_front = np.asarray(moocore.is_nondominated(minimised, keep_weakly=True))
    return TableFront(columns, rows, tuple(objectives), values, on_front, len(lines) - len(rows))


def _minimised(values: Floats, objectives: Sequence[Metric]) -> Floats:
    return values * [metric.sign for metric in objectives]


def _objective(path: Path, text: str, columns: Sequence[str], better: Literal["min", "max"]) -> Metric:
    name = text.strip()
    if name not in columns:
        raise DataError(f"{path}: no column {name}{did_you_mean(name, columns)}; it has {', '.join(columns)}")
    if columns.count(name) > 1:
        raise DataError(f"{path}: has {columns.count(name)} columns {name}; expected one")
    known = METRICS.get(name)
    if known is not None and known.better != better:
        raise LambdaArchError(f"{name}: expected {'minimize' if known.better == 'min' else 'maximize'}={name}")
    return column_metric(name, better)


def _numbers(cells: Sequence[str]) -> list[float]:
    """Return the numbers of a column, NaN for cells that have none."""
    try:
        return list(map(float, cells))
    except ValueError:
        return [_number(cell) for cell in cells]


def _number(text: str) -> float:
    for plain in (text, text.replace(",", "").strip().rstrip("%")):
        with suppress(ValueError):
            return float(plain)
    return nan
