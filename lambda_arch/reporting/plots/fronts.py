"""Plots of fronts: their members, and the published architectures or dominated rows around them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from lambda_arch.costs import count
from lambda_arch.published import load_table
from lambda_arch.reporting.fronts import IN_FILES, ShownFront, shown_front, summary
from lambda_arch.reporting.plots.plot import Plot, Series
from lambda_arch.searching.front import Front
from lambda_arch.searching.highlights import Placed, spread
from lambda_arch.searching.metrics import Metric
from lambda_arch.searching.table_front import TableFront

COUNTED = ("params", "macs", "flops")
EFFICIENTNETS = "efficientnet"  # the published table


def front_plot(shown: ShownFront) -> Plot:
    """Return the plot of a front: its members, with extrapolated ones marked, and published networks.

    Published networks are drawn at their printed accuracy, with a thin line to the accuracy that the model predicts.
    """
    front = shown.front
    metrics = front.problem.objectives
    x, y = _axes(metrics)
    members = [
        _Point(name, values, mark, interval, reasons)
        for name, values, mark, interval, reasons in zip(
            shown.names, shown.values, shown.marks, shown.intervals, shown.reasons, strict=True
        )
    ]
    predicted = ", predicted" if "top1" in {metric.name for metric in metrics} else ""
    kinds = (
        (f"front{predicted}", "circle", 0, [p for p in members if not p.reasons and not p.mark]),
        ("front, extrapolated", "circle-open", 0, [p for p in members if p.reasons and not p.mark]),
        ("knee", "diamond", 1, [p for p in members if p.mark == "knee"]),
        ("best", "triangle", 1, [p for p in members if p.mark == "best"]),
        ("knee and best", "diamond", 1, [p for p in members if "," in p.mark]),
    )
    series = [_series(*kind, metrics, y) for kind in kinds]
    if len(metrics) == 2 and len(members) > 1:
        line = sorted(tuple(p.values[metric.name] / metric.shown[1] for metric in metrics) for p in members)
        series.insert(0, Series("front", "", tuple(line), (), (), line=True, colour=0))
    near = [p for p in shown.placed if _is_near(front.points, p.totals[: len(metrics)])]
    series.append(_published(near, front, metrics, y))
    if {metric.name for metric in metrics} <= {*COUNTED, "top1"}:
        series.append(_efficientnets(metrics, series))
    of_all = "" if len(shown.members) == len(front) else f", {len(shown.members)} of {len(front):,} members"
    headings = tuple("top-1 (%)" if metric.name == "top1" else metric.heading for metric in metrics)
    return Plot(
        f"The front of {front.problem.space.name}{of_all}",
        tuple(summary(front)),
        headings,
        x,
        y,
        tuple(each for each in series if each.values),
    )


def result_plot(front: Front) -> Plot:
    """Return the plot of a front with as many members as its files have."""
    return front_plot(shown_front(front, spread(front, IN_FILES)))


def _published(placed: Sequence[Placed], front: Front, metrics: Sequence[Metric], y: int) -> Series:
    """Return published networks at their printed accuracy, if it is an objective."""
    printed = "top1" in {metric.name for metric in metrics}
    points, ends = [], []
    for each in placed:
        values = front.problem.read(each.totals)
        predicted = f"; predicted {values['top1']:.2f} %" if printed else ""
        more = f"{each.recipe}: printed top-1 {each.top1:.1f} %{predicted}"
        ends.append(values["top1"] if printed and metrics[y].name == "top1" else None)
        points.append(_Point(str(each.architecture), {**values, **({"top1": each.top1} if printed else {})}, more=more))
    name = "published, line to its prediction" if any(ends) else "published"
    return replace(_series(name, "star", 2, points, metrics, y), ends=tuple(ends))


def _efficientnets(metrics: Sequence[Metric], shown: Sequence[Series]) -> Series:
    """Return those EfficientNets that are not far outside the range of the plot, at their printed accuracy."""
    table = load_table(EFFICIENTNETS)
    points = []
    for row in table.rows:
        ledger = count(row.architecture)
        values = {"top1": float(row.cells["top1"]), **{name: getattr(ledger, name) for name in COUNTED}}
        points.append(_Point(row.architecture, values, more=f"printed top-1 {row.cells['top1']} %"))
    x, y = _axes(metrics)
    found = _series("EfficientNets, as printed", "square", 3, points, metrics, y)
    others = np.array([(values[x], values[y]) for series in shown for values in series.values]).reshape(-1, 2)
    near = [bool(len(others)) and _is_near(others, np.array(values)[[x, y]]) for values in found.values]
    return _series(found.name, found.symbol, 3, list(compress(points, near)), metrics, y)


def table_plot(found: TableFront) -> Plot:
    """Return the plot of the front of a table: its members, and the rows that they dominate."""
    at = found.columns.index("architecture") if "architecture" in found.columns else 0
    series = []
    x, y = _axes(found.objectives)
    for label, symbol, colour, members in (("dominated", "x", 6, False), ("front", "circle", 0, True)):
        chosen = np.flatnonzero(found.on_front == members).tolist()
        points = [
            _Point(
                found.rows[i][at],
                {metric.name: float(v) for metric, v in zip(found.objectives, found.values[i], strict=True)},
            )
            for i in chosen
        ]
        series.append(_series(label, symbol, colour, points, found.objectives, y))
    headings = tuple(metric.heading for metric in found.objectives)
    title = f"The front: {len(found.members)} of {len(found.rows)} rows"
    return Plot(title, (), headings, x, y, tuple(each for each in series if each.values))


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


def _series(name: str, symbol: str, colour: int, points: Sequence[_Point], metrics: Sequence[Metric], y: int) -> Series:
    """Return points as a series, with the intervals of predicted accuracies if these are on the vertical axis."""
    intervals = [
        (p.values["top1"] - p.interval, p.values["top1"] + p.interval)
        if p.interval is not None and metrics[y].name == "top1"
        else None
        for p in points
    ]
    return Series(
        name,
        symbol,
        tuple(tuple(point.values[metric.name] / metric.shown[1] for metric in metrics) for point in points),
        tuple(point.name for point in points),
        tuple(_text(point, metrics) for point in points),
        intervals=tuple(intervals),
        colour=colour,
    )


def _text(point: _Point, metrics: Sequence[Metric]) -> str:
    lines = [f"{point.mark}: {point.name}" if point.mark else point.name]
    for metric in metrics:
        figure = metric.show_with_unit(point.values[metric.name])
        if metric.name != "top1":
            lines.append(f"{metric.label} {figure}")
            continue
        if point.more:  # says what was printed
            continue
        interval = "" if point.interval is None else f" ± {point.interval:.2f}"
        lines.append(f"predicted top-1 {metric.show(point.values[metric.name])}{interval} %")
    if point.reasons:
        lines.append(f"extrapolated beyond what the runs have: {', '.join(point.reasons)}")
    return "\n".join([*lines, *([point.more] if point.more else [])])
