"""A printed figure, with the range of exact counts that round to it."""

from dataclasses import dataclass
from decimal import Decimal

from lambda_arch.units import COUNTS, read_number


@dataclass(frozen=True)
class Figure:
    """A printed figure such as ``51.4M``: counts from ``low`` to ``high`` round to it."""

    text: str
    low: Decimal
    high: Decimal

    def __contains__(self, count: int) -> bool:
        return self.low <= count <= self.high


def read_figure(name: str, text: str | float) -> Figure:
    """Return the figure that ``text`` prints, or a number in full; ``name`` is the argument to name in errors.

    Raises :class:`LambdaArchError` unless it is a number with a valid unit, in the range of plausible costs.
    """
    text = str(text)
    number, factor = read_number(text, COUNTS, f"{name}={text}", "51.4M")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(exponent - 1)
    return Figure(text.strip(), (number - half) * factor, (number + half) * factor)
