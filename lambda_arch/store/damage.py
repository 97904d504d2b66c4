"""Damaged rows of a store: those with a wrong checksum, with invalid values, or whose parent row is missing."""

from collections import Counter
from dataclasses import dataclass

from lambda_arch.arch import parse
from lambda_arch.errors import ArchitectureError, shown
from lambda_arch.results import Result
from lambda_arch.store import checksums
from lambda_arch.store.connection import Store
from lambda_arch.store.measurements import UNREADABLE, read_measurement


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row: its table, its key there, and what is wrong with it."""

    table: str
    row: str
    reason: str


@dataclass(frozen=True)
class StoreCheck(Result):
    """The result of a check of the store at ``path``: the number of rows of each table, and the damaged rows.

    ``unknown``: see :func:`unknown_architectures`.
    """

    path: str
    rows: dict[str, int]
    damaged: tuple[Damaged, ...]
    unknown: dict[str, int]


def check_store(store: Store) -> StoreCheck:
    """Check every row of a store, and run SQLite's own checks."""
    names = store.tables()
    counts = {name: int(store.rows(f"SELECT count(*) AS n FROM {name}")[0]["n"]) for name in names}
    found = [Damaged("", "", line["integrity_check"]) for line in store.rows("PRAGMA integrity_check")]
    found = [each for each in found if each.reason != "ok"]
    return StoreCheck(str(store.path), counts, (*found, *find_damaged(store)), unknown_architectures(store))


def unknown_architectures(store: Store) -> dict[str, int]:
    """Return how many measurements of each unknown architecture there are, such as one of an unregistered extension.

    They are not damaged, but other functions leave them out too.
    """
    names = Counter(str(row["architecture"]) for row in store.sound_rows("SELECT * FROM measurement WHERE source = ''"))
    return {name: number for name, number in names.items() if not _is_known(name)}


def _is_known(architecture: str) -> bool:
    try:
        parse(architecture)
    except ArchitectureError:
        return False
    return True


def find_damaged(store: Store) -> list[Damaged]:
    """Return the damaged rows of a store, which other functions leave out."""
    found = []
    for table in store.tables():
        keys = [each["name"] for each in store.rows(f"PRAGMA table_info({table})") if each["pk"]]
        orphans = {each["rowid"]: each["parent"] for each in store.rows(f"PRAGMA foreign_key_check({table})")}
        for row in store.rows(f"SELECT rowid AS rowid_, * FROM {table}"):
            number = row.pop("rowid_")
            reason = "not as it was written" if not checksums.is_sound(row) else ""
            if not reason and number in orphans:
                reason = f"its {orphans[number]} is gone"
            if not reason and table == "measurement":
                try:
                    read_measurement(row, {}, ())
                except ArchitectureError:  # of an extension that is not registered
                    pass
                except UNREADABLE as error:
                    reason = shown(error)
            if reason:
                found.append(Damaged(table, shown(" ".join(str(row[key]) for key in keys)), reason))
    return found
