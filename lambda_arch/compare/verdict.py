"""Whether an exact count is what was printed, given how many digits were printed."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

SCALES = {"": 0, "K": 3, "M": 6, "G": 9, "B": 9, "T": 12}
"""Powers of ten of the units that figures are printed in."""

AGREES = "agrees"
TRUNCATED = "agrees (truncated)"
DIFFERS = "differs"
NOT_COMPARABLE = "not comparable"
NOT_BUILDABLE = "not buildable"


@dataclass(frozen=True)
class Verdict:
    """What comparing one printed figure with our count came to.

    ``ours`` is our exact count, None where there is none; ``difference`` ours minus the printed figure, in the printed
    unit, given where they differ; ``reason`` what is known of why.
    """

    printed: str
    verdict: str
    ours: int | None = None
    difference: Decimal | None = None
    reason: str = ""


def judge(printed: str, unit: str, ours: int) -> tuple[str, Decimal | None]:
    """Return the verdict on ``printed`` (a decimal text in ``unit``) given our exact count, and the difference.

    Agrees: ours rounds to the printed digits, a half either way. Agrees (truncated): ours cut off after as many digits.
    Raises ValueError for a text that is no number.
    """
    try:
        figure = Decimal(printed)
    except InvalidOperation:
        raise ValueError(f"{printed}: expected a number") from None
    exponent = figure.as_tuple().exponent
    assert isinstance(exponent, int)
    step = Decimal(1).scaleb(exponent)
    exact = Decimal(ours).scaleb(-SCALES[unit])
    if abs(exact - figure) * 2 <= step:
        return AGREES, None
    if figure <= exact < figure + step:
        return TRUNCATED, None
    return DIFFERS, exact - figure
