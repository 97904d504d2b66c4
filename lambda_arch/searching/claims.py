"""Claims of trainings: of several loops on one store, each trains what no other is training.

A claim is a lock on one byte of a file beside the store, at a place that a digest of what is claimed gives. It ends
with its process, however that ends, so nothing is ever claimed by a process that is gone.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def claim(store: Path, what: str) -> Iterator[bool]:
    """Yield whether ``what`` is ours until the end of the block: no other process that uses the ``store`` has it.

    Where the system has no such locks, everything is. Claims of one process do not exclude each other. Raises OSError.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    place = int.from_bytes(hashlib.sha256(what.encode()).digest()[:7], "big")
    with store.with_name(f"{store.name}.claims").open("ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):  # either, by POSIX
            yield False
            return
        yield True
