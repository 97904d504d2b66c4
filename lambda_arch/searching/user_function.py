"""A user's own objective: a function of an architecture, given as a callable or by its file and name."""

import hashlib
import importlib.util
import inspect
from collections.abc import Callable
from math import isfinite, nan
from pathlib import Path
from typing import Any

from lambda_arch.errors import DataError, shown

NetworkCost = Callable[[Any], float]
"""Returns a number for an architecture."""
SIGNALLED = (128 + 1, 128 + 15)
"""Exit codes of SIGHUP and SIGTERM."""


def read_function(given: NetworkCost | str) -> tuple[str, NetworkCost]:
    """Return the name and the function of a callable, or of ``FILE.py:NAME``.

    Raises :class:`DataError`, in one line, for a file that does not run or has no such function. The returned function
    raises it if the user's fails.
    """
    name, call = _load(given) if isinstance(given, str) else (getattr(given, "__name__", type(given).__name__), given)
    what = given if isinstance(given, str) else name

    def checked(architecture: Any) -> float:
        try:
            value = call(architecture)
        except BaseException as error:
            _let_go(error)
            raise DataError(f"function={what}: {type(error).__name__} for {architecture}: {shown(error)}") from None
        try:
            number = nan if isinstance(value, str | bytes | bytearray) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = nan
        if not isfinite(number):
            raise DataError(f"function={what}: {shown(value)} for {architecture}; expected a finite number")
        return number

    return name, checked


def source_of(given: NetworkCost | str) -> str:
    """Return a digest of what a function is: of its file, or of its own source where there is one."""
    if isinstance(given, str):
        content = Path(given.rpartition(":")[0]).read_bytes()
    else:
        try:
            content = inspect.getsource(given).encode()
        except (OSError, TypeError):  # typed at a prompt, or an object that can be called
            code = getattr(given, "__code__", None)
            content = code.co_code if code else type(given).__qualname__.encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _let_go(error: BaseException) -> None:
    """Raise again what is not the function's: Ctrl-C, and the exit that a signal asks for."""
    if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and error.code in SIGNALLED):
        raise error


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
    except BaseException as error:
        _let_go(error)
        raise DataError(f"function={text}: {file} does not run: {type(error).__name__}: {shown(error)}") from None
    call = getattr(module, name, None)
    if not callable(call):
        raise DataError(f"function={text}: {file} has no function {name}")
    return name, call
