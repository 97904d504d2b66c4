"""Files written whole or not at all, and tables read from them."""

import errno
import io
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lambda_arch.errors import DataError

TEMPORARY = ".lambda-arch."
"""How the names of temporary files begin: one stays where a process is killed as it writes."""


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path`` in one step: a reader, or an interruption, sees the old file or the new one.

    Text is encoded as UTF-8. Of a symbolic link, the target is written. Only regular files are replaced: into a device,
    a pipe or /dev/stdout the content is written directly.

    Raises OSError, and leaves no temporary file, if ``path`` is a folder or its folder is missing or not writable, and
    :class:`DataError` for a pipe whose reader leaves.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "a folder; expected the name of a file", str(path))
    if mode is not None and (not stat.S_ISREG(mode) or _is_descriptor(path)):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
            try:
                file.write(data)
                file.flush()
            except BrokenPipeError:  # this is not a pipe that is read until enough was seen, such as standard output
                raise DataError(f"{path}: its reader left before the end; expected one that reads it all") from None
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(stat.S_IMODE(mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
    _sync_folder(target.parent)


@contextmanager
def atomic_files(path: Path) -> Iterator[Path]:
    """Yield where to write ``path``, with any files that it refers to beside it; they appear when the block is done.

    They are written in a temporary folder beside ``path``, which is removed in any case, and then moved, ``path`` last.
    Raises OSError if ``path`` is a folder or its folder is missing or not writable.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder; expected the name of a file", str(path))
    target = Path(os.path.realpath(path))
    folder = target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        folder.mkdir()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        yield folder / target.name
        for file in sorted(folder.iterdir(), key=lambda file: file.name == target.name):
            with file.open("rb+") as written:
                os.fsync(written.fileno())
            file.replace(target.with_name(file.name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _sync_folder(target.parent)


def check_regular(path: Path) -> None:
    """Raise OSError for anything but a regular file, because reading a named pipe or a device may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))


def _is_descriptor(path: Path) -> bool:
    """Return whether ``path`` is an open file of a process, such as /dev/stdout, to which others write too."""
    for _ in range(40):
        if re.fullmatch(r"/proc/\d+(/task/\d+)?/fd", os.path.realpath(path.parent)):
            return True
        if not path.is_symlink():
            return False
        path = path.parent / path.readlink()
    return False


def _sync_folder(folder: Path) -> None:
    """Sync the folder too, where the system can, so that the new name is on disk."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_csv(
    path: Path, progress: Callable[[float], None] | None = None
) -> tuple[tuple[str, ...], list[tuple[int, tuple[str, ...]]]]:
    """Return the columns of a CSV file, and its rows with their line numbers; missing cells are empty.

    ``progress`` is called with the share that is read. Raises :class:`DataError` for a file that is not CSV in UTF-8,
    and OSError for one that cannot be read.
    """
    import csv

    rows = []
    try:
        text = path.read_text("utf-8-sig")
        reader = csv.reader(io.StringIO(text))
        columns = tuple(next(reader, ()))
        width, lines = len(columns), text.count("\n") + 1
        for row in reader:
            if row:
                rows.append((reader.line_num, tuple(row if len(row) == width else [*row, *[""] * width][:width])))
            if progress is not None and len(rows) % 10_000 == 0:
                progress(reader.line_num / lines)
        if progress is not None:
            progress(1.0)
    except UnicodeDecodeError:
        raise DataError(f"{path}: expected a CSV file, text in UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}: {error}; expected a CSV file") from None
    return columns, rows
