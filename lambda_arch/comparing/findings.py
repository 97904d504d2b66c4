"""The audit: for each printed figure that its own architecture does not give, the simplest hypothesis that does.

A hypothesis is one change (:mod:`lambda_arch.comparing.hypotheses`), or that the figure is the number of another row.
Where a table is of one network, a hypothesis on the network has to hold for the whole column: one that contradicts rows
that agree is a coincidence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lambda_arch.arch import Architecture, configure, read_settings
from lambda_arch.comparing.comparison import ledger, row_architecture
from lambda_arch.comparing.hypotheses import Hypothesis, hypotheses
from lambda_arch.comparing.verdict import DIFFERS, TRUNCATED, judge
from lambda_arch.published import Column, PublishedRow, PublishedTable, load_table, table_names
from lambda_arch.results import Results

AUDITED = ("params", "macs")


@dataclass(frozen=True)
class PrintedFigure:
    """A printed figure, its row's architecture as stated, and what the row itself says (its keys)."""

    table: PublishedTable
    row: PublishedRow
    column: Column
    architecture: Architecture
    printed_keys: tuple[str, ...]

    @property
    def row_name(self) -> str:
        """The row by its keys, as the field writes it: 8/16/1/23."""
        return "/".join(cell for key in self.table.keys if (cell := self.row.cells[key]))

    @property
    def printed(self) -> str:
        """The figure as printed."""
        return self.row.cells[self.column.name]

    def verdict(self, count: int) -> str:
        """Return the verdict on the figure for an exact count."""
        return judge(self.printed, self.column.unit, count)[0]

    @property
    def ours(self) -> int:
        """Our count of the architecture as stated."""
        return int(getattr(ledger(self.architecture), self.column.quantity))

    def given_by(self, hypothesis: Hypothesis) -> bool:
        """Whether ``hypothesis`` gives the printed figure."""
        counted = hypothesis.count(self.architecture)
        return counted is not None and self.verdict(counted) != DIFFERS


@dataclass(frozen=True)
class Finding:
    """What the audit found for one figure.

    ``hypothesis``: the simplest that gives the figure and contradicts no other, None where there is none. ``others``:
    further ones that do so too. ``explains``: how many disagreements of the table it explains. ``coincidences``:
    hypotheses that give this figure but contradict others of the column. ``tried``: how many there were in all.
    """

    figure: PrintedFigure
    tried: int
    hypothesis: str | None = None
    explains: int = 0
    others: tuple[str, ...] = ()
    coincidences: tuple[str, ...] = ()


class Findings(Results[Finding]):
    """What the audit found, one finding per figure that its architecture does not give, in the tables' order."""


def audit(tables: str | PublishedTable | Sequence[str | PublishedTable] | None = None) -> Findings:
    """Audit published tables, by name or as loaded: one, several, or all.

    Raises :class:`LambdaArchError` for a name that is no table's.
    """
    if isinstance(tables, str | PublishedTable):
        tables = [tables]
    chosen = [load_table(table) if isinstance(table, str) else table for table in tables or table_names()]
    return Findings(tuple(finding for table in chosen for finding in _audit(table)))


def _audit(table: PublishedTable) -> Iterator[Finding]:
    columns = [column for column in table.columns if column.quantity in AUDITED]
    figures = [figure for column in columns for row in table.rows if (figure := _figure(table, row, column))]
    differing = [figure for figure in figures if figure.verdict(figure.ours) == DIFFERS]
    for figure in differing:
        column = [other for other in figures if other.column == figure.column]
        yield _find(figure, column, differing)


def _figure(table: PublishedTable, row: PublishedRow, column: Column) -> PrintedFigure | None:
    architecture = row_architecture(row, column.options)
    if architecture is None or not row.cells[column.name]:
        return None
    keys = table.keys
    for stated in table.stated:
        if all(row.cells[key] == value for key, value in stated.where.items()):
            settings = read_settings(stated.options)
            architecture = configure(architecture, settings)
            keys = tuple(key for key in keys if key not in {setting.option.name for setting in settings})
    return PrintedFigure(table, row, column, architecture, keys)


def _find(figure: PrintedFigure, column: Sequence[PrintedFigure], differing: Sequence[PrintedFigure]) -> Finding:
    swapped = [_swapped(other) for other in column if other is not figure]
    changed = hypotheses(figure.architecture, figure.column.quantity, figure.printed_keys)
    holding = {each: 1 for each in swapped if figure.given_by(each)}  # and how many disagreements each explains
    coincidences = []
    for each in filter(figure.given_by, changed):
        if _holds(each, figure, column, differing):
            holding[each] = sum(other.given_by(each) for other in differing)
        else:
            coincidences.append(each.label)

    def rank(hypothesis: Hypothesis) -> tuple[int, bool]:
        return -holding[hypothesis], figure.verdict(hypothesis.count(figure.architecture) or 0) == TRUNCATED

    labels = [each.label for each in sorted(holding, key=rank)]
    return Finding(
        figure,
        tried=len(swapped) + len(changed),
        hypothesis=labels[0] if labels else None,
        explains=max(holding.values(), default=0),
        others=tuple(labels[1:]),
        coincidences=tuple(coincidences),
    )


def _swapped(other: PrintedFigure) -> Hypothesis:
    return Hypothesis(f"the number of row {other.row_name}", lambda _: other.ours)


def _holds(
    hypothesis: Hypothesis,
    figure: PrintedFigure,
    column: Sequence[PrintedFigure],
    differing: Sequence[PrintedFigure],
) -> bool:
    """Whether a hypothesis may stand: it contradicts no figure of the column that is of the same network.

    Rows whose source states something else than what is printed stand together, and apart from the others.
    """
    if hypothesis.convention:
        return all(other.given_by(hypothesis) for other in column)
    same = [other for other in column if other.printed_keys == figure.printed_keys]
    if len(figure.printed_keys) != len(figure.table.keys):
        return all(other.given_by(hypothesis) for other in same)
    return not figure.table.one_network or all(
        other in differing or other.given_by(hypothesis) or hypothesis.count(other.architecture) is None
        for other in same
    )
