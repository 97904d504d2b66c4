"""An open store: the file checked, brought to the newest schema, and written to in transactions."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lambda_arch.errors import StoreError, did_you_mean
from lambda_arch.store.schema import APPLICATION_ID, MIGRATIONS

MAGIC = b"SQLite format 3\0"
WAIT = 60  # seconds for another writer's transaction
NEWEST = len(MIGRATIONS)


def default_path() -> Path:
    """Return where results are kept unless told otherwise: the user's data directory."""
    from platformdirs import user_data_path

    return user_data_path("lambda-arch", appauthor=False) / "results.db"


class Store:
    """An open store: one SQLite file (WAL), versioned, that several processes may write to.

    Use as a context manager, or :meth:`close` it. Whatever was committed survives the process. ``path``: the file, the
    user's own store unless given; ``create``: make a new one where there is none.

    Raises :class:`StoreError`, here and in every use, for a file that cannot be used: one that is not a store, is
    damaged, or was written by a newer version is left as it was.
    """

    def __init__(self, path: Path | str | None = None, *, create: bool = True) -> None:
        self.path = Path(path) if path is not None else default_path()
        _check_file(self.path, create)
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: a null character in the name
            raise StoreError(f"{self.path}: cannot be opened ({getattr(error, 'strerror', error)})") from None
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except StoreError:
            self._connection.close()
            raise

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _prepare(self) -> None:
        with self._readable():
            version = self._version()
            if version > NEWEST:
                raise StoreError(
                    f"{self.path}: written by a newer version (schema {version}, this one knows {NEWEST}); "
                    f"expected lambda-arch to be updated, or another store"
                )
            problem = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise _damaged(self.path, problem.splitlines()[-1])
            self._connection.execute("PRAGMA foreign_keys = ON")
            if version < NEWEST:
                self._migrate()
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        """Bring the schema up to date in one transaction; another process may have been quicker."""
        with self.transaction():
            for number, migration in list(enumerate(MIGRATIONS, 1))[self._version() :]:
                if callable(migration):
                    migration(self._connection)
                else:
                    for statement in filter(str.strip, migration.split(";")):
                        self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {number}")
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
                raise _damaged(self.path, error) from None
            raise StoreError(f"{self.path}: cannot be used ({error})") from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written inside, or nothing; waits for other writers."""
        with self._readable():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:  # some failures end it themselves
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def insert(self, table: str, values: dict[str, Any], *, known: str = "ABORT") -> None:
        """Insert a row; lists and mappings become JSON. ``known``: ABORT, IGNORE or REPLACE a row of the same key."""
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        with self._readable():
            self._connection.execute(
                f"INSERT OR {known} INTO {table} ({names}) VALUES ({marks})", [plain(v) for v in values.values()]
            )

    def update(self, table: str, uid: str, values: dict[str, Any]) -> None:
        """Change columns of the row with this uid."""
        names = ", ".join(f'"{name}" = ?' for name in values)
        with self._readable():
            self._connection.execute(
                f"UPDATE {table} SET {names} WHERE uid = ?", [*(plain(v) for v in values.values()), uid]
            )

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self._readable():
            return [dict(row) for row in self._connection.execute(sql, values)]


def plain(value: Any) -> Any:
    """Return ``value`` as SQLite keeps it: lists and mappings as JSON."""
    return json.dumps(value) if isinstance(value, (dict, list, tuple)) else value


def _check_file(path: Path, create: bool) -> None:
    """Look at the file itself before SQLite does: it must be a store of ours, or nothing yet."""
    try:
        if path.is_dir():
            raise StoreError(f"{path}: a folder; expected a file for the store, such as {path / 'results.db'}")
        if not path.exists():
            if not create:
                raise StoreError(f"{path}: no such store{did_you_mean(path.name, _files(path.parent))}")
            return
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    if not header:
        if not create:
            raise StoreError(f"{path}: empty; expected a store")
        return
    if not header.startswith(MAGIC):
        raise StoreError(f"{path}: not a store (no SQLite file); expected another file")
    if len(header) < 100:
        raise _damaged(path, "cut off")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StoreError(f"{path}: not a store (a SQLite file of something else); expected another file")


def _files(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if each.is_file()] if folder.is_dir() else []


def _damaged(path: Path, how: object) -> StoreError:
    return StoreError(f"{path}: damaged ({how}); expected another file for the store")
