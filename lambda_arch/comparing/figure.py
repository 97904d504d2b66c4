"""A figure as a person prints it: digits, perhaps a unit, and the exact counts that round to it."""

from dataclasses import dataclass
from decimal import Decimal

from lambda_arch.units import COUNTS, read_number


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

    Raises :class:`LambdaArchError` for no number, a wrong unit, or what no network could cost.
    """
    number, factor = read_number(text, COUNTS, f"{name}={text}", "51.4M")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(exponent - 1)
    return Figure(text.strip(), (number - half) * factor, (number + half) * factor)
