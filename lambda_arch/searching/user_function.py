"""An objective of a user's own: a function from an architecture to a number, given or found in a file."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambda_arch.errors import DataError

NetworkCost = Callable[[Any], float]
"""From an architecture to a number."""


def read_function(given: NetworkCost | str) -> tuple[str, NetworkCost]:
    """Return the name and the function of a callable, or of ``FILE.py:NAME``, with errors of one line.

    Raises :class:`DataError` for a file that does not run or has no such function; so does the function when it fails.
    """
    name, call = _load(given) if isinstance(given, str) else (getattr(given, "__name__", type(given).__name__), given)
    what = given if isinstance(given, str) else name

    def checked(architecture: Any) -> float:
        try:
            return float(call(architecture))
        except Exception as error:
            raise DataError(f"function={what}: {type(error).__name__} for {architecture}: {error}") from None

    return name, checked


def _load(text: str) -> tuple[str, NetworkCost]:
    file, colon, name = text.rpartition(":")
    path = Path(file)
    if not colon or not name or path.suffix != ".py":
        raise DataError(f"function={text}: expected FILE.py:NAME, such as cost.py:energy")
    if not path.is_file():
        raise DataError(f"function={text}: no file {file}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise DataError(f"function={text}: {file} does not run: {type(error).__name__}: {error}") from None
    call = getattr(module, name, None)
    if not callable(call):
        raise DataError(f"function={text}: {file} has no function {name}")
    return name, call
