"""Plots of fronts: their members, and the published architectures or dominated rows around them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_arch.reporting.fronts import ShownFront, summary
from lambda_arch.reporting.plot import Plot, Series
from lambda_arch.searching.metrics import Metric
from lambda_arch.searching.table_front import TableFront


def front_plot(shown: ShownFront) -> Plot:
    """Return the plot of a front: its members, with extrapolated ones marked, and published architectures."""
    front = shown.front
    metrics = front.problem.objectives
    members = [
        _Point(name, values, f"{mark} " if mark else "", interval, reasons)
        for name, values, mark, interval, reasons in zip(
            shown.names, shown.values, shown.marks, shown.intervals, shown.reasons, strict=True
        )
    ]
    series = [
        _series("front", "circle", metrics, [p for p in members if not p.reasons and not p.mark]),
        _series("front, extrapolated", "circle-open", metrics, [p for p in members if p.reasons and not p.mark]),
        _series("knee and best", "diamond", metrics, [p for p in members if p.mark]),
        _series(
            "published, as predicted" if "top1" in {metric.name for metric in metrics} else "published",
            "star",
            metrics,
            [
                _Point(str(p.architecture), front.problem.read(p.totals), "", None, (), f"printed top-1 {p.top1:.1f} %")
                for p in shown.placed
                if _is_near(front.points, p.totals[: len(metrics)])
            ],
        ),
    ]
    of_all = "" if len(shown.members) == len(front) else f", {len(shown.members)} of {len(front):,} members"
    headings = tuple("predicted top-1 (%)" if metric.name == "top1" else metric.heading for metric in metrics)
    return Plot(
        f"The front of {front.problem.space.name}{of_all}",
        tuple(summary(front)),
        headings,
        *_axes(metrics),
        tuple(each for each in series if each.values),
    )


def table_plot(found: TableFront) -> Plot:
    """Return the plot of the front of a table: its members, and the rows that they dominate."""
    at = found.columns.index("architecture") if "architecture" in found.columns else 0
    series = []
    for label, symbol, members in (("front", "circle", True), ("dominated", "x", False)):
        chosen = np.flatnonzero(found.on_front == members).tolist()
        points = [
            _Point(
                found.rows[i][at],
                {metric.name: float(v) for metric, v in zip(found.objectives, found.values[i], strict=True)},
            )
            for i in chosen
        ]
        series.append(_series(label, symbol, found.objectives, points))
    headings = tuple(metric.heading for metric in found.objectives)
    title = f"The front: {len(found.members)} of {len(found.rows)} rows"
    return Plot(title, (), headings, *_axes(found.objectives), tuple(each for each in series if each.values))


def _is_near(points: NDArray[np.float64], totals: NDArray[np.float64]) -> bool:
    """Return whether totals are no farther from the range of points than that range is wide."""
    low, high = points.min(axis=0), points.max(axis=0)
    return bool(((totals >= 2 * low - high) & (totals <= 2 * high - low)).all())


@dataclass(frozen=True)
class _Point:
    name: str
    values: dict[str, float]
    mark: str = ""
    interval: float | None = None
    reasons: tuple[str, ...] = ()
    more: str = ""


def _axes(metrics: Sequence[Metric]) -> tuple[int, int]:
    """Return the axes to show first: the first cost, and the first gain or the second objective."""
    gains = [i for i, metric in enumerate(metrics) if metric.better == "max"]
    y = gains[0] if gains else min(1, len(metrics) - 1)
    x = next((i for i in range(len(metrics)) if i != y), y)
    return x, y


def _series(name: str, symbol: str, metrics: Sequence[Metric], points: Sequence[_Point]) -> Series:
    return Series(
        name,
        symbol,
        tuple(tuple(point.values[metric.name] / metric.shown[1] for metric in metrics) for point in points),
        tuple(point.name for point in points),
        tuple(_text(point, metrics) for point in points),
    )


def _text(point: _Point, metrics: Sequence[Metric]) -> str:
    lines = [f"{point.mark.strip()}: {point.name}" if point.mark else point.name]
    for metric in metrics:
        figure = metric.show_with_unit(point.values[metric.name])
        if metric.name != "top1":
            lines.append(f"{metric.label} {figure}")
            continue
        interval = "" if point.interval is None else f" ± {point.interval:.2f}"
        lines.append(f"predicted top-1 {metric.show(point.values[metric.name])}{interval} %")
    if point.reasons:
        lines.append(f"extrapolated beyond what the runs have: {', '.join(point.reasons)}")
    return "\n".join([*lines, *([point.more] if point.more else [])])
