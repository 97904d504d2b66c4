"""The base of all results: they print as the CLI's tables, show as HTML in notebooks and convert to pandas frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import pandas

    from lambda_arch.reporting import Report

T = TypeVar("T")


class Result:
    """A result of a root verb. :mod:`lambda_arch.reporting.dispatch` maps each kind to its report."""

    def to_frame(self) -> "pandas.DataFrame":
        """Return the result as a pandas frame, unrounded: the rows and columns of the CSV format.

        Whole numbers stay whole where a row has none: such a column is an ``Int64``.
        """
        import pandas

        flat = self._report().flat
        columns = {column.name: _column([row.get(column.name) for row in flat.rows]) for column in flat.columns}
        return pandas.DataFrame(columns, index=range(len(flat.rows)))

    def __str__(self) -> str:
        from lambda_arch.reporting import to_text

        return to_text(self._report()).rstrip("\n")

    def _repr_html_(self) -> str:
        """Return HTML for a notebook."""
        from lambda_arch.reporting import to_html

        return to_html(self._report())

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the table at IPython's prompt."""
        printer.text(str(self))

    def _report(self) -> "Report":
        # the only import of a higher package: reporting decides how a result looks
        from lambda_arch.reporting import report_of

        return report_of(self)


def _column(values: list[Any]) -> Any:
    """Return a column of a frame: decimals as numbers, and whole numbers with a gap as pandas' Int64."""
    import pandas

    present = [value for value in values if value is not None]
    if any(isinstance(value, Decimal) for value in present):
        mixed = any(isinstance(value, str) for value in present)  # such as the scope: 23, or global
        whole = all(type(value) is int or (isinstance(value, Decimal) and _is_whole(value)) for value in present)
        values = [
            (int if whole or (mixed and _is_whole(value)) else float)(value) if isinstance(value, Decimal) else value
            for value in values
        ]
        present = [value for value in values if value is not None]
    if 0 < len(present) < len(values) and all(type(value) is int and abs(value) < 2**63 for value in present):
        return pandas.array(values, dtype="Int64")
    return pandas.Series(values, dtype=None if present else object)


def _is_whole(value: Decimal) -> bool:
    return value.is_finite() and value.as_tuple().exponent == 0


@dataclass(frozen=True)
class Results(Result, Generic[T]):
    """A result that is a sequence of ``items``."""

    items: tuple[T, ...]

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> T:
        return self.items[index]
