"""A table as a value: columns, rows and notes. Other modules write it in each format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lambda_arch.errors import escaped


def as_text(value: Any) -> str:
    """Write a cell for people: nothing for None, thousands separated, booleans as yes and no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def millions(value: int | None) -> str:
    """Write a count in millions, with three decimals."""
    return "" if value is None else f"{value / 1e6:,.3f}"


def billions(value: int | None) -> str:
    """Write a count in billions, with three decimals."""
    return "" if value is None else f"{value / 1e9:,.3f}"


def percent(value: float | None) -> str:
    """Write a share in percent."""
    return "" if value is None else f"{value:.1%}"


@dataclass(frozen=True)
class Column:
    """A column: its key in the rows, its heading, and how its values are shown to people."""

    name: str
    label: str = ""
    align: Literal["left", "right"] = "right"
    show: Callable[[Any], str] = as_text
    optional: bool = False  # left out if the terminal is too narrow

    @property
    def heading(self) -> str:
        """The label, or else the name."""
        return escaped(self.label or self.name)

    def cell(self, row: Mapping[str, Any]) -> str:
        """Return what a person reads of a row here: no control character of a name or a file among it."""
        return escaped(self.show(row.get(self.name)))


@dataclass(frozen=True)
class Table:
    """A table: rows are mappings from column names to values; ``notes`` are lines below it."""

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    notes: Sequence[str] = ()
    total: bool = False  # whether the last row sums the others

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", escaped(self.title))
        object.__setattr__(self, "notes", tuple(map(escaped, self.notes)))


@dataclass(frozen=True)
class Report:
    """The output of a command: tables for people, one flat table for CSV, and data for JSON."""

    tables: Sequence[Table]
    flat: Table
    data: Any = field(default=None)
