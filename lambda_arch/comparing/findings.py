"""The audit: for each printed figure that differs from our count, the simplest hypothesis that explains it.

It also audits figures that agree only because their table counts other options than the source states
(:class:`Stated`), with the options as stated.

A hypothesis is one change (:mod:`lambda_arch.comparing.hypotheses`), or that the figure belongs to another row, or that
this row alone was built with other lambda settings. Where a table is of one network, a change of the network must hold
for the whole column: one that contradicts rows that agree is a coincidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lambda_arch.arch import Architecture, configure, read_settings
from lambda_arch.comparing.comparison import ledger, row_architecture
from lambda_arch.comparing.hypotheses import Hypothesis, default_settings, hypotheses, settings_of_other_rows
from lambda_arch.comparing.verdict import AGREES, DIFFERS, ONE_DIGIT, TRUNCATED, judge
from lambda_arch.published import Column, PublishedRow, PublishedTable, load_table, table_names
from lambda_arch.results import Results

AUDITED = ("params", "macs")
RANK = {AGREES: 0, TRUNCATED: 1, ONE_DIGIT: 1, DIFFERS: 2}


@dataclass(frozen=True, eq=False)
class PrintedFigure:
    """A printed figure, and an architecture of its row: the one that its table counts, or the one its source states.

    ``cells``: what the row says; ``printed_keys``: which of its keys are printed, those that the table deduced left
    out. ``stated``: whether this is the row as its source states it, against what its table counts.
    """

    table: PublishedTable
    row: PublishedRow
    column: Column
    architecture: Architecture
    cells: Mapping[str, str]
    printed_keys: tuple[str, ...]
    stated: bool = False

    @property
    def row_name(self) -> str:
        """The row's name, made of its keys: 8/16/1/23."""
        return "/".join(cell for key in self.table.keys if (cell := self.cells[key]))

    @property
    def printed(self) -> str:
        """The figure as printed."""
        return self.row.cells[self.column.name]

    def verdict(self, count: int) -> str:
        """Return the verdict on the figure for an exact count."""
        return judge(self.printed, self.column.unit, count, self.column.digits, rounds=self.column.rounds)[0]

    @cached_property
    def ours(self) -> int:
        """Our count of the architecture."""
        return int(getattr(ledger(self.architecture), self.column.quantity))

    @cached_property
    def own_verdict(self) -> str:
        """The verdict on the figure for our count of the architecture."""
        return self.verdict(self.ours)

    def given_by(self, hypothesis: Hypothesis) -> bool:
        """Whether ``hypothesis`` gives the printed figure, rounded or cut off."""
        counted = hypothesis.count(self.architecture)
        return counted is not None and self.verdict(counted) != DIFFERS

    def fits(self, hypothesis: Hypothesis) -> bool:
        """Whether ``hypothesis`` gives the figure no worse than its own architecture does."""
        counted = hypothesis.count(self.architecture)
        return counted is not None and RANK[self.verdict(counted)] <= min(RANK[self.own_verdict], 1)


@dataclass(frozen=True)
class Finding:
    """The result of the audit for one figure.

    ``hypothesis``: the simplest that gives the figure and contradicts no other, or None. ``others``: further such
    hypotheses. ``explains``: how many disagreements of the table it explains. ``coincidences``: hypotheses that give
    this figure but contradict others of the column. ``tried``: how many hypotheses were tried.
    ``chance``: where the hypothesis is about this row alone, how many of the column's figures that agree such a
    hypothesis would give as well, and how many agree; None where it is not.
    """

    figure: PrintedFigure
    tried: int
    hypothesis: str | None = None
    explains: int = 0
    others: tuple[str, ...] = ()
    coincidences: tuple[str, ...] = ()
    chance: tuple[int, int] | None = None


class Findings(Results[Finding]):
    """The results of the audit, one per figure that differs from our count, in the tables' order."""


def audit(tables: str | PublishedTable | Sequence[str | PublishedTable] | None = None) -> Findings:
    """Return why printed figures of published ``tables`` differ from our counts: of one, several, or all.

    A table is given by name or as loaded. Every figure that differs has the simplest hypotheses that give it.

    Raises :class:`LambdaArchError` for the name of no table.
    """
    if isinstance(tables, str | PublishedTable):
        tables = [tables]
    chosen = [load_table(table) if isinstance(table, str) else table for table in tables or table_names()]
    return Findings(tuple(finding for table in chosen for finding in _audit(table)))


def _audit(table: PublishedTable) -> Iterator[Finding]:
    columns = [column for column in table.columns if column.quantity in AUDITED]
    counted = [figure for column in columns for row in table.rows if (figure := _figure(table, row, column))]
    as_stated = [figure for each in counted if (figure := _as_stated(each)) is not None]
    for figures in (counted, as_stated):
        differing = [figure for figure in figures if figure.own_verdict == DIFFERS]
        for figure in differing:
            column = [other for other in figures if other.column == figure.column]
            others = [other for other in counted if other.column == figure.column and other.row is not figure.row]
            yield _find(figure, column, others, differing)


def _figure(table: PublishedTable, row: PublishedRow, column: Column) -> PrintedFigure | None:
    architecture = row_architecture(row, column)
    if architecture is None or not row.cells[column.name]:
        return None
    return PrintedFigure(table, row, column, architecture, row.cells, table.keys)


def _as_stated(figure: PrintedFigure) -> PrintedFigure | None:
    """Return a figure that agrees with another architecture than its source states, with the stated one."""
    for stated in figure.table.stated:
        if all(figure.row.cells[key] == value for key, value in stated.where.items()):
            settings = dict(part.split("=") for part in stated.options.split(","))
            return PrintedFigure(
                figure.table,
                figure.row,
                figure.column,
                configure(figure.architecture, read_settings(stated.options)),
                {**figure.row.cells, **settings},
                tuple(key for key in figure.printed_keys if key not in settings),
                stated=True,
            )
    return None


def _find(
    figure: PrintedFigure,
    column: Sequence[PrintedFigure],
    others: Sequence[PrintedFigure],
    differing: Sequence[PrintedFigure],
) -> Finding:
    of_row = _of_this_row(figure, others)
    changed = hypotheses(figure.architecture, figure.column.quantity, figure.printed_keys)
    holding = {each: 1 for each in of_row if figure.given_by(each)}  # and how many disagreements each explains
    coincidences = []
    for each in filter(figure.given_by, changed):
        if _holds(each, figure, column, differing):
            holding[each] = sum(other.given_by(each) for other in differing)
        else:
            coincidences.append(each.label)

    def rank(hypothesis: Hypothesis) -> tuple[int, int, bool]:
        verdict = figure.verdict(hypothesis.count(figure.architecture) or 0)
        return -holding[hypothesis], RANK[verdict], hypothesis.borrowed

    ranked = sorted(holding, key=rank)
    return Finding(
        figure,
        tried=len(of_row) + len(changed),
        hypothesis=ranked[0].label if ranked else None,
        explains=max(holding.values(), default=0),
        others=tuple(each.label for each in ranked[1:]),
        coincidences=tuple(coincidences),
        chance=_chance(figure, others) if ranked and ranked[0] in of_row else None,
    )


def _of_this_row(figure: PrintedFigure, others: Sequence[PrintedFigure]) -> list[Hypothesis]:
    """Return the hypotheses that speak of one row alone: its code's defaults, and the numbers of other rows.

    Where no row prints lambda settings, those of the rows of other tables are hypotheses too.
    """
    own = row_architecture(figure.row, figure.column)  # which is not the stated one
    known = [other.architecture for other in others] + ([own] if own else [])
    found = []
    if figure.column.defaults:
        found += default_settings(figure.architecture, figure.column.quantity, figure.column.defaults, known)
    found += [_swapped(other) for other in others]
    found += settings_of_other_rows(figure.architecture, figure.column.quantity, figure.table, known)
    return found


def _chance(figure: PrintedFigure, others: Sequence[PrintedFigure]) -> tuple[int, int]:
    """Return how many figures that agree a hypothesis on their row alone would give as well, and how many agree."""
    agreeing = [other for other in others if other.own_verdict != DIFFERS]
    given = 0
    for each in agreeing:
        column = [figure, *(other for other in others if other is not each)]
        counts = (hypothesis.count(each.architecture) for hypothesis in _of_this_row(each, column))
        given += any(count not in (None, each.ours) and each.verdict(count) != DIFFERS for count in counts)
    return given, len(agreeing)


def _swapped(other: PrintedFigure) -> Hypothesis:
    return Hypothesis(f"the number of row {other.row_name}", lambda _: other.ours)


def _holds(
    hypothesis: Hypothesis,
    figure: PrintedFigure,
    column: Sequence[PrintedFigure],
    differing: Sequence[PrintedFigure],
) -> bool:
    """Whether a hypothesis may stand: it contradicts no figure of the column that is of the same network."""
    if hypothesis.convention or figure.stated:
        return all(other.fits(hypothesis) for other in column)
    return not figure.table.one_network or all(
        other in differing or other.fits(hypothesis) or hypothesis.count(other.architecture) is None for other in column
    )
