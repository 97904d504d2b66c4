"""What makes a measurement uncertain, told from what was read of the device in each round."""

from collections.abc import Mapping, Sequence
from typing import Any

CLOCKS_MOVED = 0.05
OTHERS_BUSY = 0.10


def device_warnings(readings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return plain warnings about the device in the rounds of a measurement."""
    found = []
    clocks = [reading["sm_mhz"] for reading in readings if "sm_mhz" in reading]
    if clocks and max(clocks) - min(clocks) > CLOCKS_MOVED * max(clocks):
        found.append(f"clocks moved from {min(clocks)} to {max(clocks)} MHz")
    throttled = {reason for reading in readings for reason in reading.get("throttled", ())}
    if throttled:
        found.append(f"throttled: {', '.join(sorted(throttled))}")
    others = [reading["others"] for reading in readings if "others" in reading]
    if others and sum(others) / len(others) > OTHERS_BUSY:
        found.append(f"others used about {round(10 * sum(others) / len(others)) / 10:.0%} of the processor")
    return found
