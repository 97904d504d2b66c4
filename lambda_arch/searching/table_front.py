"""The front of a user's table: the rows of a CSV file, with columns as objectives."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lambda_arch.errors import DataError, LambdaArchError, did_you_mean
from lambda_arch.files import read_csv
from lambda_arch.results import Result
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.dominators import dominators
from lambda_arch.searching.metrics import METRICS, Metric, column_metric


@dataclass(frozen=True)
class TableFront(Result):
    """The non-dominated rows of a table, and for every other row a member that dominates it.

    ``by[i]`` is that member, -1 for members. ``values`` has one column per objective, as in the table. ``skipped``
    counts rows that lack a number for some objective.
    """

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    objectives: tuple[Metric, ...]
    values: Floats
    by: NDArray[np.int64]
    skipped: int

    @cached_property
    def members(self) -> list[int]:
        """The rows on the front, sorted by the first objective."""
        found = np.flatnonzero(self.by < 0)
        return [int(i) for i in found[np.argsort(self.values[found, 0], kind="stable")]]


def table_front(path: Path, minimize: Sequence[str], maximize: Sequence[str]) -> TableFront:
    """Return the front of the CSV file at ``path``; of equal rows all are members.

    Raises :class:`LambdaArchError` without objectives, :class:`DataError` for a missing column or if no row has
    numbers, and OSError.
    """
    columns, lines = read_csv(path)
    rows = [row for _, row in lines]
    if not rows:
        raise DataError(f"{path}: expected a CSV file with a line of columns and rows below it")
    objectives = [_objective(path, name, columns, "min") for text in minimize for name in text.split(",")]
    objectives += [_objective(path, name, columns, "max") for text in maximize for name in text.split(",")]
    if not objectives:
        raise LambdaArchError("no objective: expected a column to minimize or maximize, such as minimize=macs")
    names = [metric.name for metric in objectives]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise LambdaArchError(f"{twice[0]}: an objective twice; expected it once")
    kept, values = [], []
    for row in rows:
        try:
            numbers = [_number(row[name]) for name in names]
        except ValueError:
            continue
        kept.append(row)
        values.append(numbers)
    if not kept:
        raise DataError(f"{path}: no row has a number for each of {', '.join(names)}")
    array = np.array(values)
    minimised = array * [metric.sign for metric in objectives]
    return TableFront(columns, tuple(kept), tuple(objectives), array, dominators(minimised), len(rows) - len(kept))


def _objective(path: Path, text: str, columns: Sequence[str], better: Literal["min", "max"]) -> Metric:
    name = text.strip()
    if name not in columns:
        raise DataError(f"{path}: no column {name}{did_you_mean(name, columns)}; it has {', '.join(columns)}")
    known = METRICS.get(name)
    if known is not None and known.better != better:
        raise LambdaArchError(f"{name}: expected {'minimize' if known.better == 'min' else 'maximize'}={name}")
    return column_metric(name, better)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float(text.replace(",", "").strip().rstrip("%"))
    if not isfinite(value):
        raise ValueError(text)
    return value
