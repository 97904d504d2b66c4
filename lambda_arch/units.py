"""Numbers with units as people write them: one rule for the bounds of a search and for printed figures.

A number without a unit is in the base unit: scalars, multiply-accumulates, bytes, seconds, percent. A cost below a
thousand scalars, operations or bytes is refused: no network is that small, so its unit was left out.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from lambda_arch.errors import LambdaArchError

Units = Mapping[str, Decimal]
LEAST, MOST = 1000, 10**15
"""The range of plausible costs of a network, in scalars, operations or bytes."""

_THOUSANDS = {"K": 10**3, "M": 10**6, "G": 10**9}
COUNTS: Units = {unit: Decimal(n) for unit, n in {"": 1, **_THOUSANDS, "B": 10**9, "T": 10**12}.items()}
BYTES: Units = {
    **{unit: Decimal(n) for unit, n in {"": 1, "B": 1, **_THOUSANDS}.items()},
    **{f"{unit}B": Decimal(n) for unit, n in _THOUSANDS.items()},
    **{f"{unit}iB": Decimal(1024) ** i for i, unit in enumerate(_THOUSANDS, 1)},
}
SECONDS: Units = {unit: Decimal(n) for unit, n in {"": "1", "s": "1", "ms": "1e-3", "us": "1e-6", "µs": "1e-6"}.items()}
PERCENT: Units = {"": Decimal(1), "%": Decimal(1)}
IMAGES: Units = {"": Decimal(1), "images/s": Decimal(1), "K": Decimal(1000)}

_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\d\s.,+-]*)\s*")


def read_number(text: str, units: Units, what: str, example: str) -> tuple[Decimal, Decimal]:
    """Return the number in ``text`` as written, and the factor of its unit; the case of units does not matter.

    Raises :class:`LambdaArchError`, beginning with ``what``, unless ``text`` is a positive number in one of ``units``.
    """
    found = _NUMBER.fullmatch(text)
    factors = {unit.lower(): factor for unit, factor in units.items()}
    if found is None:
        raise LambdaArchError(f"{what}: expected a number such as {example}")
    number, unit = Decimal(found[1]), found[2].lower()
    if unit not in factors:
        raise LambdaArchError(f"{what}: expected a unit of {', '.join(filter(None, units))}, such as {example}")
    if number.is_signed():
        raise LambdaArchError(f"{what}: expected a positive number such as {example}")
    if units in (COUNTS, BYTES) and not LEAST <= number * factors[unit] <= MOST:
        raise LambdaArchError(f"{what}: expected what a network could cost, such as {example}")
    return number, factors[unit]
