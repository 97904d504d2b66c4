"""The audit: for each printed figure that its own architecture does not give, the simplest reading that does.

A reading is one change (:mod:`lambda_arch.comparing.hypotheses`), or the number of another row. Where a table is of one
network, a reading of the network has to hold for the whole column: one that would spoil rows that agree is a
coincidence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lambda_arch.arch import Architecture, configure, read_settings
from lambda_arch.comparing.comparison import ledger, row_architecture
from lambda_arch.comparing.hypotheses import Reading, readings
from lambda_arch.comparing.verdict import DIFFERS, TRUNCATED, judge
from lambda_arch.published import Column, PublishedRow, PublishedTable, load_table, table_names
from lambda_arch.results import Result

AUDITED = ("params", "macs")


@dataclass(frozen=True)
class Figure:
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

    def given_by(self, reading: Reading) -> bool:
        """Whether ``reading`` gives the printed figure."""
        counted = reading.count(self.architecture)
        return counted is not None and self.verdict(counted) != DIFFERS


@dataclass(frozen=True)
class Finding:
    """What the audit found for one figure.

    ``reading``: the simplest that gives it and spoils nothing, None where there is none. ``others``: further readings
    that do so too. ``explains``: how many disagreements of the table it explains. ``coincidences``: readings that give
    this figure but spoil others of the column. ``tried``: how many single readings there were.
    """

    figure: Figure
    tried: int
    reading: str | None = None
    explains: int = 0
    others: tuple[str, ...] = ()
    coincidences: tuple[str, ...] = ()
    truncated: bool = False


@dataclass(frozen=True)
class Findings(Result):
    """What the audit found, one finding per figure that its architecture does not give, in the tables' order."""

    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, index: int) -> Finding:
        return self.findings[index]


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


def _figure(table: PublishedTable, row: PublishedRow, column: Column) -> Figure | None:
    architecture = row_architecture(row, column.options)
    if architecture is None or not row.cells[column.name]:
        return None
    keys = table.keys
    for stated in table.stated:
        if all(row.cells[key] == value for key, value in stated.where.items()):
            settings = read_settings(stated.options)
            architecture = configure(architecture, settings)
            keys = tuple(key for key in keys if key not in {setting.option.name for setting in settings})
    return Figure(table, row, column, architecture, keys)


def _find(figure: Figure, column: Sequence[Figure], differing: Sequence[Figure]) -> Finding:
    swapped = [_swapped(other) for other in column if other is not figure]
    tried = [*swapped, *readings(figure.architecture, figure.column.quantity, figure.printed_keys)]
    giving = [reading for reading in tried if figure.given_by(reading)]
    holding: list[Reading] = []
    spoiling: list[Reading] = []
    for reading in giving:
        (holding if reading in swapped or _holds(reading, figure, column, differing) else spoiling).append(reading)
    finding = Finding(figure, len(tried), coincidences=tuple(reading.label for reading in spoiling))
    if not holding:
        return finding

    def explained(reading: Reading) -> int:
        return 1 if reading in swapped else sum(other.given_by(reading) for other in differing)

    best, *others = sorted(holding, key=lambda reading: (-explained(reading), _cut(figure, reading)))
    return replace(
        finding,
        reading=best.label,
        explains=explained(best),
        others=tuple(reading.label for reading in others),
        truncated=_cut(figure, best),
    )


def _swapped(other: Figure) -> Reading:
    return Reading(f"the number of row {other.row_name}", lambda _: other.ours)


def _holds(reading: Reading, figure: Figure, column: Sequence[Figure], differing: Sequence[Figure]) -> bool:
    """Whether a reading of the network may stand: it spoils no figure of the column that is of the same network.

    Rows that were stated otherwise than they are printed are read together, and apart from the others.
    """
    if reading.convention:
        return all(other.given_by(reading) for other in column)
    stated_apart = len(figure.printed_keys) != len(figure.table.keys)
    if stated_apart:
        return all(other.given_by(reading) for other in column if other.printed_keys == figure.printed_keys)
    if not figure.table.one_network:
        return True
    return all(
        other in differing or other.given_by(reading) or reading.count(other.architecture) is None
        for other in column
        if other.printed_keys == figure.printed_keys
    )


def _cut(figure: Figure, reading: Reading) -> bool:
    counted = reading.count(figure.architecture)
    return counted is not None and figure.verdict(counted) == TRUNCATED
