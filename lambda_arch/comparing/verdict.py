"""Verdicts: whether an exact count agrees with a printed figure, to the printed digits."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lambda_arch.errors import DataError

SCALES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12, "GiB": 2**30}
"""The factor of each printed unit: scalars, multiply-accumulates or bytes."""

AGREES = "agrees"
TRUNCATED = "agrees (truncated)"
ONE_DIGIT = "differs by one digit"
DIFFERS = "differs"
NOT_COMPARABLE = "not comparable"
NOT_BUILDABLE = "not buildable"


@dataclass(frozen=True)
class Verdict:
    """The comparison of one printed figure with our count.

    ``ours`` is our exact count, or None; ``difference`` is ours minus the printed figure, in the printed unit, if they
    differ; ``reason`` is the known reason why.
    """

    printed: str
    verdict: str
    ours: int | None = None
    difference: Decimal | None = None
    reason: str = ""


def judge(
    printed: str, unit: str, ours: int, digits: int | None = None, *, rounds: bool = False
) -> tuple[str, Decimal | None]:
    """Return the verdict on ``printed`` (a decimal text in ``unit``) given our exact count, and the difference.

    It agrees if our count rounds to the printed digits, halves in either direction, and agrees (truncated) if it is cut
    off to them; in a column known to round (``rounds``), the latter differs by one digit. ``digits`` gives the
    significant digits where trailing zeros hide them (two in a 120 that is printed next to 4.8). Raises DataError if
    ``printed`` is not a number.
    """
    try:
        figure = Decimal(printed)
    except InvalidOperation:
        raise DataError(f"{printed}: expected a number") from None
    exponent = figure.as_tuple().exponent
    assert isinstance(exponent, int)
    last = exponent if digits is None else max(exponent, figure.adjusted() - digits + 1)
    step = Decimal(1).scaleb(last)
    exact = in_unit(ours, unit)
    if abs(exact - figure) * 2 <= step:
        return AGREES, None
    if figure <= exact < figure + step:
        return (ONE_DIGIT, exact - figure) if rounds else (TRUNCATED, None)
    return DIFFERS, exact - figure


def in_unit(count: int, unit: str) -> Decimal:
    """Return an exact count in a printed unit, to the last one counted."""
    scale = SCALES[unit]
    return round(Decimal(count) / scale, len(str(scale)) - 1)
