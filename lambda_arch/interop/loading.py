"""Running the user's code: the file or package of a reference, and its factory. Imports torch."""

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from lambda_arch.errors import ModuleError, did_you_mean, shown
from lambda_arch.interop.locating import Location, add_to_path
from lambda_arch.interop.references import Reference

SIGNALLED = (128 + 1, 128 + 15)
"""Exit codes of SIGHUP and SIGTERM."""


def load(reference: Reference, location: Location) -> nn.Module:
    """Return the module that a reference makes. What it prints goes to stderr.

    Raises :class:`ModuleError`, in one line with the line of the user's code, if that fails or makes something else.
    """
    with user_code(reference, location):
        found: Any = _import(reference, location)
        for name in reference.factory.split("."):
            found = _attribute(found, name, reference)
    positional, keywords = reference.literals()
    if isinstance(found, nn.Module) and not reference.arguments:
        return found
    if not callable(found):
        raise ModuleError(f"{reference.call}: {shown(found)}; expected a factory, which returns an nn.Module")
    _check_arguments(reference, found, positional, keywords)
    with user_code(reference, location):
        made = found(*positional, **keywords)
    if not isinstance(made, nn.Module):
        raise ModuleError(f"{reference.call}: returned {_a(made)}; expected an nn.Module")
    return made


@contextmanager
def user_code(name: object, location: Location | None = None) -> Iterator[None]:
    """Run the user's code inside: its output goes to stderr, and its errors become a :class:`ModuleError`.

    Running out of memory is left as it is.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (MemoryError, ModuleError):
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code in SIGNALLED:
            raise
        if "out of memory" in str(error).lower() or "allocate memory" in str(error).lower():
            raise
        call = getattr(name, "call", name)
        raise ModuleError(f"{call}: {_line(error, location)}{type(error).__name__}: {shown_error(error)}") from error


def shown_error(error: BaseException) -> str:
    """Return an error's text as one line."""
    return " ".join(str(error).split()) or "without a message"


def _import(reference: Reference, location: Location) -> ModuleType:
    add_to_path(location.folder)
    if not reference.is_file:
        return importlib.import_module(reference.source)
    name = f"lambda_arch_user_{Path(location.file).stem}"
    spec = spec_from_file_location(name, location.file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and torch.compile look for the module of a class
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _attribute(found: Any, name: str, reference: Reference) -> Any:
    try:
        return getattr(found, name)
    except AttributeError:
        public = [each for each in dir(found) if not each.startswith("_")]
        raise ModuleError(f"{reference.call}: {reference.source} has no {name}{did_you_mean(name, public)}") from None


def _check_arguments(
    reference: Reference, factory: Callable[..., Any], positional: list[Any], keywords: dict[str, Any]
) -> None:
    """Raise :class:`ModuleError` for arguments that a factory does not take."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # written in C
        return
    try:
        signature.bind(*positional, **keywords)
    except TypeError as error:
        code = getattr(inspect.unwrap(factory), "__code__", None) or getattr(
            getattr(factory, "__init__", None), "__code__", None
        )
        line = f"line {code.co_firstlineno} of {Path(code.co_filename).name}: " if code else ""
        raise ModuleError(f"{reference.call}: {line}{error}; expected {reference.factory}{signature}") from None


def _line(error: BaseException, location: Location | None) -> str:
    """Return the line of the user's code at which an error was raised, or the last one of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"line {error.lineno} of {Path(error.filename).name}: "
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if location and Path(frame.filename).resolve().is_relative_to(location.file)]
    inside = Path(__file__).parents[1]
    others = [frame for frame in frames if not Path(frame.filename).is_relative_to(inside)]
    chosen = own or others
    return f"line {chosen[-1].lineno} of {Path(chosen[-1].filename).name}: " if chosen else ""


def _a(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
