"""Ranges of values, as files and sweeps write them: ``{ from = 4, to = 32, times = 2 }``."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from lambda_arch.errors import DataError, did_you_mean

MAX_VALUES = 10_000
"""Values of a range."""


def read_range(name: str, table: Mapping[str, Any]) -> list[Any]:
    """Return the values of ``{ from, to, step }`` or ``{ from, to, times }``; raises :class:`DataError`."""
    unknown = [key for key in table if key not in ("from", "to", "step", "times")]
    if unknown:
        known = ("from", "to", "step", "times")
        raise DataError(
            f"{name}.{unknown[0]}: no such key{did_you_mean(unknown[0], known)}; expected {', '.join(known)}"
        )
    numbers = {key: value for key, value in table.items() if isinstance(value, (int, float)) and value is not True}
    if "from" not in numbers or "to" not in numbers or ("step" in numbers) == ("times" in numbers):
        given = ", ".join(f"{key} = {value}" for key, value in table.items())
        raise DataError(
            f"{name}={{ {given} }}: expected from, to, and one of step and times, "
            "such as { from = 4, to = 32, times = 2 }"
        )
    if any(isinstance(number, float) and not isfinite(number) for number in numbers.values()):
        raise DataError(f"{name}: expected numbers that are finite")
    low, high = numbers["from"], numbers["to"]
    step, times = numbers.get("step", 0), numbers.get("times", 1)
    if high < low:
        raise DataError(f"{name}: the range from {low} to {high} is empty; expected to >= from")
    if ("step" in numbers and step <= 0) or ("times" in numbers and (times <= 1 or low <= 0)):
        raise DataError(f"{name}: expected step > 0, or times > 1 and from > 0")
    values = [low]
    while len(values) <= MAX_VALUES and (after := values[-1] * times + step) <= high + 1e-9:
        values.append(round(after, 9) if isinstance(after, float) else after)
    if len(values) > MAX_VALUES:
        raise DataError(f"{name}: a range of more than {MAX_VALUES:,} values; expected fewer")
    return values
