"""Sweeps: names with choices, and the product of them as architectures.

lambda_resnet50:k=8|16,h=4|8@224|256
lambda_resnet50:k={from=4,to=32,times=2}
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from lambda_arch.arch.parsing import parse
from lambda_arch.arch.ranges import read_range
from lambda_arch.arch.registry import Architecture
from lambda_arch.errors import ArchitectureError, LambdaArchError

MOST_SWEPT = 10_000
"""Architectures of a sweep: each is a value, and is counted by itself."""


@dataclass(frozen=True)
class Swept:
    """An architecture of a sweep, and the ``values`` that it has of the swept options, as they were written."""

    architecture: Architecture
    values: Mapping[str, str]


def sweep(name: str, **choices: object) -> list[Swept]:
    """Return the architectures of a name with choices, the last option changing fastest.

    ``choices`` are more of them, on top of the name: ``sweep("lambda_resnet50", k=[8, 16])``. Raises
    :class:`ArchitectureError` for what is no architecture, and for more than ``MOST_SWEPT`` of them.
    """
    plain, found = split_choices(name)
    for key, each in choices.items():
        found[key] = tuple(map(_text, each)) if isinstance(each, (list, tuple, range)) else (_text(each),)
    number = prod(map(len, found.values()))
    if number > MOST_SWEPT:
        raise ArchitectureError(f"{name}: {number:,} architectures; expected at most {MOST_SWEPT:,}")
    swept = [key for key, values in found.items() if len(values) > 1]
    result = []
    for values in product(*found.values()):
        given = dict(zip(found, values, strict=True))
        result.append(Swept(parse(_named(plain, given)), {key: given[key] for key in swept}))
    return result


def split_choices(name: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Return the bare name, and the values of every option in a name (``image_size`` too), each a text."""
    body, at, size = name.rpartition("@")
    bare, colon, options = (body if at else name).partition(":")
    found: dict[str, tuple[str, ...]] = {}
    for part in _split(options, ",") if options.strip() else []:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not value:
            raise ArchitectureError(f"{part.strip() or 'an empty option'}: expected option=value, such as k=16")
        if key in found:
            raise ArchitectureError(f"{key}={value}: {key} is set twice; expected it once")
        found[key] = read_choices(key, value, "|")
    if at:
        if not size.strip():
            raise ArchitectureError(f"{name}: expected an image size after @, such as @224")
        found["image_size"] = read_choices("image_size", size, "|")
    return bare if colon or at else name, found


def read_choices(key: str, text: str, separator: str = ",") -> tuple[str, ...]:
    """Return the distinct values in ``text``: one, several with separators between them, or ranges in braces."""
    values: list[str] = []
    for part in _split(text, separator):
        word = part.strip()
        if not word:
            raise ArchitectureError(
                f"{key}={text}: an empty value; expected values with {separator} between them, such as 8{separator}16"
            )
        values += _range(key, word) if word.startswith("{") else [word]
    return tuple(dict.fromkeys(values))


def _range(key: str, text: str) -> Iterator[str]:
    try:
        table = tomllib.loads(f"range = {text}")["range"]
    except (ValueError, RecursionError):
        raise ArchitectureError(f"{key}={text}: expected a range such as {{from=4,to=32,times=2}}") from None
    try:
        yield from map(_text, read_range(key, table))
    except LambdaArchError as error:
        raise ArchitectureError(str(error)) from None


def _split(text: str, separator: str) -> Sequence[str]:
    return re.split(re.escape(separator) + r"(?![^{]*\})", text)


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _named(bare: str, given: Mapping[str, str]) -> str:
    options = ",".join(f"{key}={value}" for key, value in given.items() if key != "image_size")
    size = f"@{given['image_size']}" if "image_size" in given else ""
    return f"{bare}{':' if options else ''}{options}{size}"
