"""Published tables compared with our counts, figure by figure."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, overload

from lambda_arch.arch import Architecture, configure, parse, read_settings
from lambda_arch.comparing.verdict import (
    AGREES,
    DIFFERS,
    NOT_BUILDABLE,
    NOT_COMPARABLE,
    ONE_DIGIT,
    TRUNCATED,
    Verdict,
    judge,
)
from lambda_arch.costs import Ledger, count
from lambda_arch.costs.detection import DetectorCost, detector_cost
from lambda_arch.costs.memory import map_bytes
from lambda_arch.errors import DataError, LambdaArchError
from lambda_arch.published import Column, PublishedRow, PublishedTable, all_tables, load_table, table_names
from lambda_arch.results import Result, Results

if TYPE_CHECKING:
    from lambda_arch.store import Measurement


@cache
def ledger(architecture: Architecture) -> Ledger:
    """Return the ledger of ``architecture``, counted once."""
    return count(architecture)


COMPARABLE: dict[str, Callable[[Any], int]] = {
    "params": lambda architecture: ledger(architecture).params,
    "macs": lambda architecture: ledger(architecture).macs,
    "map_bytes": map_bytes,
}
"""How to count each comparable quantity of an architecture."""


TALLIED = {
    "agree": AGREES,
    "agree, truncated": TRUNCATED,
    "differ by one digit": ONE_DIGIT,
    "differ": DIFFERS,
    "not buildable": NOT_BUILDABLE,
}
"""What a tally counts: every verdict on a figure that could be counted."""

CUT_OFF = "Ours gives the printed digits only when cut off, and this column is known to round."
"""The reason for a difference of one digit."""


@dataclass(frozen=True)
class ComparedRow:
    """A published row, our ledger of it (None if it cannot be built), and a verdict on each printed figure.

    ``detector``: the costs of the detector of which the row is the backbone, in a table of such; ``latency``: a
    measurement of its classifier at the detector's image size, where one was asked for and found.
    """

    published: PublishedRow
    ledger: Ledger | None
    verdicts: dict[str, Verdict]
    detector: DetectorCost | None = None
    latency: "Measurement | None" = None


@dataclass(frozen=True)
class Comparison(Result):
    """A published table, compared row by row."""

    table: PublishedTable
    rows: tuple[ComparedRow, ...]

    def tally(self) -> dict[str, int]:
        """Return how many of the printed figures that can be counted have which verdict."""
        kinds = [verdict.verdict for row in self.rows for verdict in row.verdicts.values()]
        return {name: kinds.count(kind) for name, kind in TALLIED.items()}


class Comparisons(Results[Comparison]):
    """Several published tables, compared."""

    def architectures(self) -> list[Architecture]:
        """Return the distinct architectures of the rows, with and without each column's options."""
        return list(
            dict.fromkeys(
                architecture
                for comparison in self
                for row in comparison.rows
                for column in (None, *comparison.table.columns)
                if (architecture := row_architecture(row.published, column)) is not None
            )
        )


class LongComparisons(Results[Comparison]):
    """Several published tables, compared, to be shown with one row per printed figure."""


@overload
def compare(names: str) -> Comparison: ...
@overload
def compare(names: list[str] | tuple[str, ...] | None = None) -> Comparisons: ...
def compare(names: str | list[str] | tuple[str, ...] | None = None) -> Comparison | Comparisons:
    """Return one published table of ``names``, several, or all, compared with our counts.

    Every row has the printed figures, our exact counts and a verdict per figure, which takes its printed digits into
    account.

    Raises :class:`LambdaArchError` for the name of no table.
    """
    if not isinstance(names, str):
        return Comparisons(tuple(compare(name) for name in names or table_names()))
    table = load_table(names)
    return Comparison(table, tuple(_compare_row(table, row) for row in table.rows))


def row_architecture(row: PublishedRow, column: Column | None = None) -> Architecture | None:
    """Return the architecture of a published row, with the options of the code behind a column on top, or None."""
    if not row.architecture:
        return None
    if column is None:
        return _with_options(row.architecture, "")
    plain = column.plain_options is not None and "L" not in _with_options(row.architecture, "").letters
    return _with_options(row.architecture, (column.plain_options if plain else column.options) or "")


@cache
def _with_options(name: str, options: str) -> Architecture:
    return configure(parse(name), read_settings(options))


def _is_like(name: str, architecture: Architecture) -> bool:
    """Return whether the family and depth of ``name`` are those of ``architecture``; no setting changes them."""
    base = _with_options(name.partition(":")[0].partition("@")[0], "")
    return type(base) is type(architecture) and getattr(base, "depth", 0) == getattr(architecture, "depth", 0)


def published_figures(
    architecture: Architecture, quantity: str | None = None
) -> list[tuple[PublishedTable, Column, Verdict]]:
    """Return every printed figure (of ``quantity``) of exactly this architecture, with verdicts, in the tables' order.

    Parameters printed for another image size are included where they do not depend on it.
    """
    found = []
    for table in all_tables():
        columns = [each for each in table.columns if each.quantity in COMPARABLE and quantity in (None, each.quantity)]
        for row in table.rows:
            if not row.architecture or not _is_like(row.architecture, architecture):
                continue
            for column in columns:
                theirs = row_architecture(row, column) if row.cells[column.name] else None
                if theirs is not None and _same(theirs, architecture, column.quantity):
                    found.append((table, column, _verdict(table, row, column)))
    return found


def _same(a: Architecture, b: Architecture, quantity: str) -> bool:
    if a == b:
        return True
    at_same_size = configure(a, (), b.image_size) == b
    return quantity == "params" and at_same_size and ledger(a).params == ledger(b).params


def _compare_row(table: PublishedTable, row: PublishedRow) -> ComparedRow:
    try:
        return _compared(table, row)
    except LambdaArchError as error:
        key = ", ".join(f"{name}={row.cells[name]}" for name in table.keys)
        raise DataError(f"{table.name}.csv, row {key}: {error}") from None


def _compared(table: PublishedTable, row: PublishedRow) -> ComparedRow:
    architecture = row_architecture(row)
    verdicts = {column.name: _verdict(table, row, column) for column in table.columns if row.cells[column.name]}
    if architecture is None:
        return ComparedRow(row, None, verdicts)
    size = table.detector_image_size
    return ComparedRow(row, ledger(architecture), verdicts, None if size is None else detector_cost(architecture, size))


def _verdict(table: PublishedTable, row: PublishedRow, column: Column) -> Verdict:
    printed = row.cells[column.name]
    if column.quantity not in COMPARABLE:
        return Verdict(printed, NOT_COMPARABLE)
    architecture = row_architecture(row, column)
    if architecture is None:
        return Verdict(printed, NOT_BUILDABLE)
    ours = COMPARABLE[column.quantity](architecture)
    verdict, difference = judge(printed, column.unit, ours, column.digits, rounds=column.rounds)
    reason = {DIFFERS: table.reason(row, column.name) or "no reason known", ONE_DIGIT: CUT_OFF}.get(verdict, "")
    return Verdict(printed, verdict, ours, difference, reason)
