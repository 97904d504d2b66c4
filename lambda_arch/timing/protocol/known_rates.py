"""The peak rates of GPUs that this process read from a store, so that its workers need not measure them again."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownRate:
    """The rate of one ``kind`` of work (see :class:`Peak`) on GPUs of this name."""

    device_name: str
    kind: str
    rate: float


_known: dict[tuple[str, str], KnownRate] = {}


def know_rates(device_name: str, rates: Mapping[str, float]) -> None:
    """Tell workers of the ``rates`` by kind from now on."""
    for kind, rate in rates.items():
        _known[device_name, kind] = KnownRate(device_name, kind, rate)


def known_rates() -> tuple[KnownRate, ...]:
    """Return all rates that are known."""
    return tuple(_known.values())
