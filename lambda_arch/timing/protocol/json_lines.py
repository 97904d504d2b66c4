"""Conversion of messages to lines of JSON and back; received fields are checked against their types."""

import json
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from lambda_arch.store.status import Status
from lambda_arch.timing.protocol.messages import Reply, Request

TAG = "message"
T = TypeVar("T")


class ProtocolError(ValueError):
    """A line that is not a message."""


def to_line(message: Request | Reply) -> str:
    """Return ``message`` as one line with a newline."""
    return json.dumps({TAG: type(message).__name__, **asdict(message)}) + "\n"


def from_line(line: str, union: Any) -> Any:
    """Return the message in ``line``, of a type in ``union``. Raises :class:`ProtocolError` if there is none."""
    try:
        found = json.loads(line)
        name = found.pop(TAG)
    except (ValueError, AttributeError, TypeError, KeyError):
        raise ProtocolError(f"{line.strip()[:80]!r}: expected a message") from None
    for kind in get_args(union):
        if kind.__name__ == name:
            return _instance(kind, found)
    raise ProtocolError(f"{name}: expected one of {', '.join(kind.__name__ for kind in get_args(union))}")


_hints = cache(get_type_hints)


def _instance(kind: type[T], found: dict[str, Any]) -> T:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if found.keys() != names:
        raise ProtocolError(f"{kind.__name__}: expected {', '.join(sorted(names))}; got {', '.join(sorted(found))}")
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    return kind(**{name: _value(hints[name], value, f"{kind.__name__}.{name}") for name, value in found.items()})


def _value(kind: Any, value: Any, name: str) -> Any:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is UnionType:  # only X | None
        return None if value is None else _value(next(each for each in choices if each is not NoneType), value, name)
    if origin is tuple and isinstance(value, list):  # only tuple[X, ...]
        return tuple(_value(choices[0], each, name) for each in value)
    if is_dataclass(kind) and isinstance(value, dict):
        return _instance(kind, value)  # type: ignore[arg-type]
    if type(value) is kind or (origin is Literal and value in choices):
        return value
    if kind is Status and value in list(Status):
        return Status(value)
    if kind is float and type(value) is int:
        return float(value)
    raise ProtocolError(f"{name}={str(value)[:80]}: expected {kind}")
