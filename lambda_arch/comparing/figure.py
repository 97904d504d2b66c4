"""A figure as a person prints it: digits and a unit, and the exact counts that round to it."""

import re
from dataclasses import dataclass
from decimal import Decimal

from lambda_arch.comparing.verdict import SCALES
from lambda_arch.errors import LambdaArchError

_FIGURE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([KMGBT])", re.IGNORECASE)
LARGEST = 10**15


@dataclass(frozen=True)
class Figure:
    """A printed figure such as ``51.4M``: the counts from ``low`` to ``high`` round to it, a half either way."""

    text: str
    low: Decimal
    high: Decimal

    def __contains__(self, count: int) -> bool:
        return self.low <= count <= self.high


def read_figure(name: str, text: str) -> Figure:
    """Return the figure of ``text``; ``name`` is the argument it was given as.

    Raises :class:`LambdaArchError` for no number, no unit, or nothing that a network could cost.
    """
    match = _FIGURE.fullmatch(text.strip())
    if match is None:
        bare = text.strip().lstrip("-").replace(".", "", 1).isdigit()
        why = "a positive number" if text.strip().startswith("-") else "a unit, K, M, G or T," if bare else "a number"
        raise LambdaArchError(f"{name}={text}: expected {why} such as 51.4M")
    digits, unit = Decimal(match[1]), match[2].upper()
    exponent = digits.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(exponent - 1)
    low, high = ((digits + sign * half) * SCALES[unit] for sign in (-1, 1))
    if high < 1000 or low > LARGEST:
        raise LambdaArchError(f"{name}={text}: expected what a network could cost, such as 51.4M")
    return Figure(text.strip(), low, high)
