"""What every result can do: print as the CLI's table, show as HTML in a notebook, become a pandas frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import pandas

    from lambda_arch.reporting import Report

T = TypeVar("T")


class Result:
    """A result of a root verb. :mod:`lambda_arch.reporting.dispatch` says which report shows it, here as in the CLI."""

    def to_frame(self) -> "pandas.DataFrame":
        """Return the result as a pandas frame, unrounded: the rows and columns of the CSV format."""
        import pandas

        flat = self._report().flat
        names = [column.name for column in flat.columns]
        return pandas.DataFrame([[row.get(name) for name in names] for row in flat.rows], columns=names)

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
        # the one import of a package above: what a result looks like is reporting's business
        from lambda_arch.reporting import report_of

        return report_of(self)


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
