"""Published figures: one CSV file per table, and a TOML file of the same name that describes its columns.

The CSV holds the figures as printed, and in the ``architecture`` column the name of each row's architecture, empty
where it cannot be built yet. To add a table, add these two files.
"""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lambda_arch.errors import DataError, LambdaArchError, did_you_mean

if TYPE_CHECKING:
    from importlib.abc import Traversable

NOT_SHOWN = ("architecture", "source")


@dataclass(frozen=True)
class Column:
    """A column of printed figures.

    ``quantity``: what it measures (``params``, ``macs`` and ``map_bytes`` can be compared with ours); ``unit``: M, G, %
    and so on; ``options``: architecture options of the code that printed it, on top of the row's architecture, and
    ``plain_options`` those in their place where a row has no lambda layers; ``defaults``: lambda settings that this
    code has unless told otherwise. ``digits``: how many significant digits its figures have, where that does not show
    in all of them. ``rounds``: whether it is known to round, since some of its figures agree in no other way.
    """

    name: str
    label: str
    quantity: str
    unit: str
    source: str
    options: str = ""
    plain_options: str | None = None
    defaults: str = ""
    digits: int | None = None
    rounds: bool = False


@dataclass(frozen=True)
class Known:
    """A disagreement that was examined: its column, its rows (those with these values) and its reason."""

    column: str
    where: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Stated:
    """Rows whose source states other ``options`` than those that reproduce its figures."""

    where: Mapping[str, str]
    options: str
    reason: str


@dataclass(frozen=True)
class PublishedRow:
    """One printed row: its cells as text by column, and the name of its architecture (empty if it cannot be built)."""

    cells: Mapping[str, str]
    architecture: str


@dataclass(frozen=True)
class PublishedTable:
    """A printed table. ``keys`` are the columns that identify its rows, ``columns`` those of figures.

    ``one_network``: its rows vary one network by their keys alone; whatever the table leaves unsaid is the same in all.
    ``detector_image_size``: that of the detectors of which its rows are backbones, if they are.
    """

    name: str
    title: str
    about: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    known: tuple[Known, ...]
    rows: tuple[PublishedRow, ...]
    stated: tuple[Stated, ...] = ()
    one_network: bool = False
    detector_image_size: int | None = None

    def reason(self, row: PublishedRow, column: str) -> str:
        """Return the known reason why this figure differs, or an empty text."""
        for known in self.known:
            if known.column == column and all(row.cells[key] == value for key, value in known.where.items()):
                return known.reason
        return ""


@cache
def table_names() -> tuple[str, ...]:
    """Return the names of all tables, sorted."""
    names = (entry.name for entry in _data().iterdir())
    return tuple(sorted(name.removesuffix(".csv") for name in names if name.endswith(".csv")))


@cache
def load_table(name: str) -> PublishedTable:
    """Return a table by name.

    Raises :class:`LambdaArchError` for an unknown one, and :class:`DataError` for files that describe none.
    """
    if name not in table_names():
        raise LambdaArchError(
            f"{name}: no such table{did_you_mean(name, table_names())}; there are {', '.join(table_names())}"
        )
    try:
        return _read(name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        missing = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{name}.csv and {name}.toml: {missing}; expected what docs/extending.md says") from None


def _read(name: str) -> PublishedTable:
    about = tomllib.loads(_data().joinpath(f"{name}.toml").read_text("utf-8"))
    lines = _data().joinpath(f"{name}.csv").read_text("utf-8").splitlines()
    reader = csv.DictReader(lines)
    rows = tuple(
        PublishedRow({k: v for k, v in row.items() if k not in NOT_SHOWN}, row["architecture"]) for row in reader
    )
    source = {"source": about["source"]} if "source" in about else {}
    columns = tuple(Column(name=column, **{**source, **fields}) for column, fields in about["columns"].items())
    figures = {column.name for column in columns}
    keys = tuple(key for key in reader.fieldnames or () if key not in figures and key not in NOT_SHOWN)
    known = tuple(Known(**entry) for entry in about.get("known", []))
    stated = tuple(Stated(**entry) for entry in about.get("stated", []))
    return PublishedTable(
        name,
        about["title"],
        about["about"],
        keys,
        columns,
        known,
        rows,
        stated,
        about.get("one_network", False),
        about.get("detector_image_size"),
    )


def all_tables() -> Iterator[PublishedTable]:
    """Yield every table, by name."""
    return map(load_table, table_names())


def _data() -> "Traversable":
    return files("lambda_arch.published").joinpath("data")
