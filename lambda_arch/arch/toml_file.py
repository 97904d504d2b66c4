"""An architecture from a TOML file: a name, an image size, options, and tables for stages and blocks.

name = "lambda_resnet50"
image_size = 256
k = 8
[c4]
m = 7
[c4.3]
k = 32
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lambda_arch.arch.options import BY_NAME, read_setting
from lambda_arch.arch.parsing import configure_used, named, parse
from lambda_arch.arch.registry import Architecture
from lambda_arch.arch.resnet_tables import STAGES
from lambda_arch.errors import ArchitectureError, did_you_mean

DEFAULT_NAME = "lambda_resnet50"


def read_architecture(path: Path) -> Architecture:
    """Return the architecture of the TOML file at ``path``.

    Raises :class:`ArchitectureError` with the file and the line of the mistake, and OSError if it cannot be read.
    """
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ArchitectureError(f"{path}: expected a TOML file, text in UTF-8") from None
    except (ValueError, RecursionError) as error:  # invalid TOML, too long a number, too deep a nesting
        raise ArchitectureError(f"{path}: {error}; expected TOML such as k = 16") from None
    if not table:
        raise ArchitectureError(f'{path}: empty; expected TOML such as name = "{DEFAULT_NAME}"')
    values = dict(_flatten(table))
    key = "name"
    try:
        base = _base(values.pop("name", DEFAULT_NAME))
        key = "image_size"
        size = _size(values.pop("image_size", None))
        settings = []
        for key, value in values.items():
            _check_key(key)
            settings.append(read_setting(key, value, typed=True))
        key = ""
        return configure_used(base, settings, size)
    except ArchitectureError as error:
        line = _line_of(text, key or _culprit(str(error), values))
        raise ArchitectureError(f"{path}{f', line {line}' if line else ''}: {error}") from None


def _size(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ArchitectureError(f"image_size={value}: expected a whole number, such as 224")


def _culprit(message: str, keys: Iterable[str]) -> str:
    """Return which of ``keys`` a message that begins with ``option=value`` is about, or image_size."""
    name = message.partition("=")[0]
    return next((key for key in keys if key == name or key.endswith(f".{name}")), name)


def _base(name: object) -> Architecture:
    if not isinstance(name, str):
        raise ArchitectureError(f"name={name}: expected the name of an architecture in quotes, such as {DEFAULT_NAME}")
    return parse(name) if ":" in name or "@" in name else named(name)


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _check_key(key: str) -> None:
    first, *rest = key.split(".")
    if rest and first not in STAGES:
        raise ArchitectureError(f"{first}: no such table{did_you_mean(first, STAGES)}; expected c2, c3, c4 or c5")
    if not rest and first not in BY_NAME:
        choices = [*BY_NAME, "name", "image_size"]
        raise ArchitectureError(
            f"{first}: no such key{did_you_mean(first, choices)}; expected one of {', '.join(choices)}"
        )


def _line_of(text: str, key: str) -> int:
    """Return the number of the line that sets the dotted ``key``, 0 if none is found."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if header:
            table = f"{_bare(header[1])}."
            continue
        name, equals, _ = line.partition("=")
        full = f"{table}{_bare(name)}"
        if equals and key and (full == key or key.startswith(f"{full}.")):
            return number
    return 0


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
