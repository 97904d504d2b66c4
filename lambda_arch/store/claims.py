"""Claims: of several processes that use a store, one does a work. A claim ends with its process, however that ends.

A claim is a lock on one byte of a file beside the store, which stays empty, at a place that a digest of its key gives.
Claims of one process do not exclude each other. On Windows processes do not know of each other: everything is free.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

_FILES: dict[Path, int] = {}
"""Open files, which are never closed: a process that closes one of its descriptors of a file loses all locks on it."""


@contextmanager
def claim(store: Path, key: str) -> Iterator[bool]:
    """Yield whether ``key`` is ours until the end of the block. Raises OSError."""
    ours = take_claim(store, key)
    try:
        yield ours
    finally:
        if ours:
            leave_claim(store, key)


def take_claim(store: Path, key: str) -> bool:
    """Claim ``key`` for the ``store`` at this path; return whether no other process has claimed it. Raises OSError."""
    if fcntl is None:
        return True
    try:
        fcntl.lockf(_file(store), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
    except (BlockingIOError, PermissionError):  # either, by POSIX
        return False
    return True


def leave_claim(store: Path, key: str) -> None:
    """Give up the claim on ``key``."""
    if fcntl is not None:
        fcntl.lockf(_file(store), fcntl.LOCK_UN, 1, _place(key))


def _file(store: Path) -> int:
    """Return the descriptor of the file of claims; a new one if the file was removed."""
    if store not in _FILES or not os.fstat(_FILES[store]).st_nlink:
        _FILES[store] = os.open(store.with_name(f"{store.name}.claims"), os.O_RDWR | os.O_CREAT, 0o666)
    return _FILES[store]


def _place(key: str) -> int:
    """Return the byte of ``key``: one of 2**60."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 4
