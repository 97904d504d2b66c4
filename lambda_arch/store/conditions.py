"""Selecting measurements by conditions such as ``batch=8`` or ``architecture=lambda*``."""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import fields

from lambda_arch.errors import SetupError, did_you_mean
from lambda_arch.store.measurements import Measurement
from lambda_arch.store.setup import COLUMNS, Setup

SETTINGS = [COLUMNS.get(each.name, each.name) for each in fields(Setup)]
ATTRIBUTES: dict[str, Callable[[Measurement], object]] = {
    **{name: (lambda m, name=name: m.setup.columns[name]) for name in SETTINGS},  # type: ignore[misc]
    "architecture": lambda m: m.architecture,
    "image_size": lambda m: m.image_size,
    "status": lambda m: m.status,
    "device_name": lambda m: m.machine.get("device_name", ""),
    "fingerprint": lambda m: m.fingerprint,
    "torch": lambda m: m.machine.get("torch", ""),
    "started": lambda m: m.started,
}
"""The names that conditions may use, and how to get their values."""


def select(found: Sequence[Measurement], conditions: Sequence[str]) -> list[Measurement]:
    """Return the measurements that meet every condition: ``name=value``, where ``*`` and ``?`` are wildcards.

    Raises :class:`SetupError` for an invalid condition.
    """
    filters = [_filter(condition) for condition in conditions]
    return [measurement for measurement in found if all(keeps(measurement) for keeps in filters)]


def _filter(condition: str) -> Callable[[Measurement], bool]:
    name, equals, pattern = (part.strip() for part in condition.partition("="))
    name = COLUMNS.get(name, name)  # settings by the names of their flags too
    if not equals or name not in ATTRIBUTES:
        hint = f" (did you mean {name}=VALUE?)" if name in ATTRIBUTES else did_you_mean(name, ATTRIBUTES)
        raise SetupError(f"only={condition}: expected name=value with one of {', '.join(ATTRIBUTES)}{hint}")
    return lambda measurement: fnmatch.fnmatchcase(_text(ATTRIBUTES[name](measurement)).lower(), pattern.lower())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
