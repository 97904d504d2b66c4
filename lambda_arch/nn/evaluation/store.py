"""Where measured choices are kept: from a problem on a device to the name of an evaluation."""

import json
import os
import tempfile
from pathlib import Path
from typing import Protocol


class ChoiceStore(Protocol):
    """What :func:`lambda_arch.nn.autotune` asks of a store."""

    def get(self, key: str) -> str | None:
        """Return what was kept under ``key``, or None."""

    def put(self, key: str, choice: str) -> None:
        """Keep ``choice`` under ``key``, on disk before this returns."""


class JsonStore:
    """Choices in one JSON file, ``evaluations.json`` in the user's cache directory unless told otherwise.

    The file is replaced whole. One that cannot be read holds nothing: it is a cache, what was there is measured again.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            from platformdirs import user_cache_path

            path = user_cache_path("lambda-arch", appauthor=False) / "evaluations.json"
        self.path = path

    def get(self, key: str) -> str | None:
        """Return what was kept under ``key``, or None."""
        return self._read().get(key)

    def put(self, key: str, choice: str) -> None:
        """Keep ``choice`` under ``key``; raises OSError where the file cannot be written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**self._read(), key: choice}, indent=1, sort_keys=True)
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {key: value for key, value in found.items() if isinstance(value, str)}
