"""An open store: a checked file with the newest schema, written in transactions."""

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lambda_arch.errors import StoreError, did_you_mean
from lambda_arch.files import check_regular
from lambda_arch.store import checksums
from lambda_arch.store.schema import APPLICATION_ID, MIGRATIONS

MAGIC = b"SQLite format 3\0"
WAIT = 60  # seconds for another writer's transaction
NEWEST = len(MIGRATIONS)


def default_path() -> Path:
    """Return the default path of the store, in the user's data directory."""
    from platformdirs import user_data_path

    return user_data_path("lambda-arch", appauthor=False) / "results.db"


class Store:
    """An open store: one versioned SQLite file (in WAL mode) to which several processes may write.

    Use it as a context manager, or :meth:`close` it. ``path``: the file, by default the user's own store; ``create``:
    make a new store if there is none. ``read_only``: open a copy of the file as it is now; the file is neither created
    nor migrated, and its folder may be read-only. If the user has no store yet, the copy is empty. ``node``: the name
    of the machine that writes, where there are several; it is kept with what was measured or trained.

    Raises :class:`StoreError`, here and in every method, for a file that is not a store, is damaged, was written by a
    newer version or cannot be opened. Such a file is not changed.
    """

    def __init__(
        self, path: Path | str | None = None, *, create: bool = True, read_only: bool = False, node: str = ""
    ) -> None:
        self.path = Path(path) if path is not None else default_path()
        self.read_only = read_only
        self.node = node
        exists = check_file(self.path, create=(create and not read_only) or path is None)
        try:
            if read_only:
                self._connection = _copy(self.path) if exists else sqlite3.connect("", isolation_level=None)
            else:
                if not exists:
                    if path is None:
                        self.path.parent.mkdir(parents=True, exist_ok=True)
                    elif not self.path.parent.is_dir():
                        raise StoreError(f"{self.path}: no folder {self.path.parent}; expected one that exists")
                    _create(self.path)
                self._connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: a null character in the name
            if _is_damage(error):
                raise _damaged(self.path, error) from None
            raise StoreError(f"{self.path}: cannot be opened ({getattr(error, 'strerror', error)})") from None
        self._connection.row_factory = sqlite3.Row
        self._connection.text_factory = lambda text: text.decode(errors="surrogateescape")  # damaged ones too
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
        """Close the file."""
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
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._connection.execute("PRAGMA foreign_keys = ON")
            if version < NEWEST:
                self._migrate()
            if self.read_only:
                self._connection.execute("PRAGMA query_only = ON")
                return
            if self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # made by an older version
                self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        """Bring the schema up to date in one transaction, starting where another process may have got to."""
        with self.transaction():
            damaged = checksums.unsound(self._connection)
            for number, migration in list(enumerate(MIGRATIONS, 1))[self._version() :]:
                if callable(migration):
                    migration(self._connection)
                else:
                    for statement in filter(str.strip, migration.split(";")):
                        self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {number}")
            checksums.seal_all(self._connection, but=damaged)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError:  # in a message about a damaged name
            raise _damaged(self.path, "its schema is no text") from None
        except sqlite3.Error as error:
            if _is_damage(error):
                raise _damaged(self.path, error) from None
            raise StoreError(f"{self.path}: cannot be used ({error})") from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside or nothing; waits for other writers."""
        with self._readable():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:  # some failures end it themselves
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Like :meth:`transaction`, but joins an open one."""
        with self._readable() if self._connection.in_transaction else self.transaction():
            yield

    def insert(self, table: str, values: dict[str, Any], *, known: str = "ABORT") -> bool:
        """Insert a row, and return whether one was inserted; lists and mappings become JSON.

        ``known``: ABORT, IGNORE or REPLACE if there is a row with its key.
        """
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        with self._together():
            done = self._connection.execute(
                f"INSERT OR {known} INTO {table} ({names}) VALUES ({marks})", [plain(v) for v in values.values()]
            )
            if done.rowcount and done.lastrowid is not None:
                checksums.seal(self._connection, table, [done.lastrowid])
        return done.rowcount > 0

    def update(self, table: str, uid: str, values: dict[str, Any]) -> None:
        """Change columns of the row with this uid; the checksum of a damaged row stays wrong."""
        names = ", ".join(f'"{name}" = ?' for name in values)
        with self._together():
            found = list(checksums.numbered(self._connection, table, "WHERE uid = ?", [uid]))
            self._connection.execute(
                f"UPDATE {table} SET {names} WHERE uid = ?", [*(plain(v) for v in values.values()), uid]
            )
            checksums.seal(self._connection, table, [number for number, row in found if checksums.is_sound(row)])

    def tables(self) -> list[str]:
        """Return the names of all tables."""
        with self._readable():
            return checksums.tables(self._connection)

    def sound_rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query of all columns of one table, without rows whose checksum is wrong."""
        return [row for row in self.rows(sql, values) if checksums.is_sound(row)]

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self._readable():
            return [dict(row) for row in self._connection.execute(sql, values)]


def plain(value: Any) -> Any:
    """Return ``value`` as it is stored: lists and mappings as JSON."""
    return json.dumps(value) if isinstance(value, (dict, list, tuple)) else value


def check_file(path: Path, *, create: bool = False) -> bool:
    """Check the file before SQLite opens it, and return whether it exists.

    Raises :class:`StoreError` if it is not a store, and, unless it is to be created, if it is missing.
    """
    if str(path) == ":memory:":
        raise StoreError(f"{path}: expected the name of a file for the store, such as results.db")
    try:
        if path.is_dir():
            raise StoreError(f"{path}: a folder; expected a file for the store, such as {path / 'results.db'}")
        if not path.exists():
            if not create:
                files = _files(path.parent)
                stores = [name for name in files if name.endswith(".db")]
                near = did_you_mean(path.name, files) or did_you_mean(path.name, stores, cutoff=0)
                raise StoreError(f"{path}: no such store{near}")
            return False
        check_regular(path)
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    if not header:
        raise StoreError(f"{path}: empty; expected a store, or the name of a new one")
    if not header.startswith(MAGIC):
        raise StoreError(f"{path}: not a store (no SQLite file); expected another file")
    if len(header) < 100:
        raise _damaged(path, "cut off")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StoreError(f"{path}: not a store (a SQLite file of something else); expected another file")
    return True


def _create(path: Path) -> None:
    """Create a store without a schema in one step, because another process may do the same.

    Its journal mode is set here: SQLite does not wait for other connections to change the mode of a file in use.
    """
    unfinished = path.with_name(f".lambda-arch.{secrets.token_hex(8)}")
    try:
        connection = sqlite3.connect(unfinished, isolation_level=None)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")  # writes it
        connection.close()
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            if not path.exists():
                unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(path: Path) -> sqlite3.Connection:
    """Return a temporary copy of the store at ``path``, which is deleted when it is closed."""
    log = Path(f"{path}-wal")
    for how in ("mode=rw", "immutable=1"):  # the latter for folders in which SQLite cannot create files
        source = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=WAIT)
        copy = sqlite3.connect("", isolation_level=None)
        try:
            source.backup(copy)
        except sqlite3.OperationalError as error:
            copy.close()
            unwritable = error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))
            if how == "immutable=1" or not unwritable or (log.exists() and log.stat().st_size):
                raise
        else:
            return copy
        finally:
            source.close()
    raise AssertionError


def _files(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if each.is_file()] if folder.is_dir() else []


def _is_damage(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _damaged(path: Path, how: object) -> StoreError:
    return StoreError(f"{path}: damaged ({how}); expected another file for the store")
