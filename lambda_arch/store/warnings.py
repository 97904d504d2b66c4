"""Warnings about measurements: from their spread, their warm-up, and the device readings of each round."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_arch.store.statistics import FEWEST_SAMPLES, Summary

CLOCKS_MOVED = 0.05
OTHERS_BUSY = 0.10


def quality_warnings(
    summary: Summary | None, spread: float | None, loaded: Mapping[str, Any], readings: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return warnings about samples, of networks and parts alike.

    ``spread``: the interquartile range that was wanted, as a share of the median. ``loaded``: what the worker said of
    the warm-up. ``readings``: what the device told in each round.
    """
    found = []
    if summary and summary.samples < FEWEST_SAMPLES:
        found.append(f"only {summary.samples} sample{'s' if summary.samples > 1 else ''}")
    if summary and spread is not None and summary.spread > spread:
        found.append(f"noisy: IQR {summary.spread:.0%} of the median, {spread:.0%} wanted")
    if loaded and not loaded.get("warm", True):
        found.append("still changing when the warm-up ended")
    return [*found, *device_warnings(readings)]


def device_warnings(readings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return warnings about clocks, throttling and other load during the rounds of a measurement."""
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
