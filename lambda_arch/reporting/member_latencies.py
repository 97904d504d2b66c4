"""What is known of the latencies of a front's members: their intervals, and doubts about their measurements."""

from collections.abc import Mapping
from typing import Any

from lambda_arch.arch import Architecture
from lambda_arch.reporting.calibrations import doubt_lines
from lambda_arch.searching.front import Front
from lambda_arch.searching.metrics import Metric
from lambda_arch.searching.part_costs import TIMED

Ranges = Mapping[str, tuple[float, float]]
"""The lower and the upper value of a member's latency, throughput or both, by metric."""


def ranges_of(front: Front, architecture: Architecture) -> Ranges:
    """Return the interval of each metric of an architecture that is a latency or follows from it."""
    timed = front.problem.costs.timed
    interval = timed.interval(architecture) if timed is not None and timed.interval is not None else None
    if timed is None or interval is None:
        return {}
    low, high = interval
    return {
        metric.name: (timed.batch_size / high, timed.batch_size / low) if metric.inverse_of else interval
        for metric in timed_metrics(front)
    }


def timed_metrics(front: Front) -> list[Metric]:
    """Return the metrics of a front that are measured times, or follow from them."""
    return [metric for metric in front.problem.costs.metrics if metric.name in TIMED]


def doubts_of(front: Front, architecture: Architecture) -> str:
    """Return the warnings about the measurements behind an architecture's latency, as one text."""
    timed = front.problem.costs.timed
    doubts = timed.doubts(architecture) if timed is not None and timed.doubts is not None else {}
    return "; ".join(f"{part}: {', '.join(texts)}" for part, texts in doubts.items())


def latency_lines(front: Front) -> list[str]:
    """Return what latencies are, and a line about calibrated parts of the space that are not sound."""
    timed = front.problem.costs.timed
    if timed is None or not timed.setup:
        return []
    if timed is front.problem.costs.latency:
        what = f"latency is the sum of blocks measured on {timed.setup}; intervals: all blocks at their quartiles"
    else:
        what = f"latency is of whole networks, measured on {timed.setup}; intervals: quartiles"
    return [what, *doubt_lines(front.problem.doubts)]


def range_columns(front: Front) -> list[str]:
    """Return the names of the columns of :func:`range_cells`."""
    timed = timed_metrics(front)
    return [*(f"{metric.name}_{end}" for metric in timed for end in ("low", "high")), *(["warnings"] if timed else [])]


def range_cells(front: Front, ranges: Ranges, doubts: str) -> dict[str, Any]:
    """Return the intervals and warnings of a member for files; None where an interval is not known."""
    cells: dict[str, Any] = {}
    for metric in timed_metrics(front):
        cells[f"{metric.name}_low"], cells[f"{metric.name}_high"] = ranges.get(metric.name, (None, None))
    return {**cells, "warnings": doubts} if cells else {}
