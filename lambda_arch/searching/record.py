"""Evaluations of a search on disk, each before the next begins."""

import json
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

from lambda_arch.errors import DataError, shown
from lambda_arch.files import check_regular

VERSION = 3
"""Of what the first line says."""


class StoredRecord:
    """Evaluations by architecture, kept in a store, for all searches of which ``about`` is the same.

    ``about`` is all that the values depend on. Use as a context manager.
    """

    def __init__(self, store: Path | str | None, about: Mapping[str, Any]) -> None:
        self._path, self._about = store, about
        self.known: dict[str, list[float]] = {}

    def __enter__(self) -> "StoredRecord":
        from lambda_arch.store import Store
        from lambda_arch.store.evaluations import read_evaluations

        self._store = Store(self._path)
        self.known = read_evaluations(self._store, self._about)
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def add(self, architecture: str, values: list[float]) -> None:
        """Keep one more evaluation, in the store too."""
        from lambda_arch.store.evaluations import keep_evaluation

        self.known[architecture] = values
        keep_evaluation(self._store, self._about, architecture, values)


class Record:
    """Evaluations by architecture, kept in a file of a JSON line each, under a first line that says of what search.

    Use as a context manager; without a path nothing is kept. One search at a time writes to a file. ``about`` is all
    that the values depend on. A last line that was cut off is dropped: that network is evaluated again.

    Raises :class:`DataError` for a file of another search, of another version, or that another search writes to.
    """

    def __init__(self, path: Path | None, about: Mapping[str, Any]) -> None:
        self._path = path
        self._about = json.loads(json.dumps({"version": VERSION, **about}))
        self._file: BinaryIO | None = None
        self.known: dict[str, list[float]] = {}

    def __enter__(self) -> "Record":
        if self._path is not None:
            if self._path.exists():
                check_regular(self._path)
            self._file = self._path.open("a+b")
            try:
                _lock(self._path, self._file)
                self._load(self._path, self._file)
            except BaseException:
                self._file.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, architecture: str, values: list[float]) -> None:
        """Keep one more evaluation, on disk too."""
        self.known[architecture] = values
        self._write({"architecture": architecture, "values": values})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()

    def _load(self, path: Path, file: BinaryIO) -> None:
        file.seek(0)
        whole, _, rest = file.read().rpartition(b"\n")
        if not whole:
            file.truncate(0)
            self._write(self._about)
            return
        try:
            first, *lines = [json.loads(line) for line in whole.splitlines()]
            self.known = {str(line["architecture"]): [float(value) for value in line["values"]] for line in lines}
            if not all(isfinite(value) for values in self.known.values() for value in values):
                raise ValueError("not finite")
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(f"{path}: expected the file of an earlier search, a JSON line each") from None
        self._check(path, first if isinstance(first, dict) else {})
        if rest:
            file.truncate(len(whole) + 1)

    def _check(self, path: Path, first: Mapping[str, Any]) -> None:
        for key in [*self._about, *first]:
            was, is_now = first.get(key, "not said"), self._about.get(key, "not said")
            if was != is_now:
                raise DataError(
                    f"{path}: {shown(key)} was {shown(was)} there and is {shown(is_now)} now; expected the same search"
                )


def _lock(path: Path, file: BinaryIO) -> None:
    """Keep other searches from the file, where the system can, for as long as it is open."""
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{path}: another search writes to it; expected a file of its own") from None
