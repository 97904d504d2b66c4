"""Claims: of several drivers with one store, one does a work. A claim ends with its process, however that ends."""

import hashlib
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: there the drivers do not know of each other
    fcntl = None  # type: ignore[assignment]


class Claims:
    """Claims on works by their keys: locks on single bytes of a file beside the store, which stays empty."""

    def __init__(self, store: Path) -> None:
        self._file = os.open(store.with_name(f"{store.name}.claims"), os.O_RDWR | os.O_CREAT, 0o666)

    def close(self) -> None:
        """Give up all claims."""
        os.close(self._file)

    def take(self, key: str) -> bool:
        """Claim ``key``; return whether no other process has claimed it."""
        if fcntl is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except OSError:
            return False
        return True

    def leave(self, key: str) -> None:
        """Give up the claim on ``key``."""
        if fcntl is not None:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))


def _place(key: str) -> int:
    """Return the byte of ``key``: one of 2**60."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 4
