"""Speed and accuracy of the families: the paper's Figure 3 as printed, and with our own times beside it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lambda_arch.comparing import Comparisons
from lambda_arch.comparing.speeds import TimedRow, TimedTable, timed_table
from lambda_arch.reporting.html_report.section import Section, drawn, missing
from lambda_arch.reporting.plots.plot import SYMBOLS, Plot, Series
from lambda_arch.store import Measurement, Store
from lambda_arch.store.shipped import shipped_latencies
from lambda_arch.timing.measuring import timings

TABLE = "pareto_figure3"
IMAGES = 1024  # of a step in the paper
ACCURACY = "top-1 (%), printed"


class Point(NamedTuple):
    """A network of a family: its time, and what is told of it."""

    family: str
    time: float
    top1: float
    name: str
    text: str


def speed_and_accuracy(comparisons: Comparisons, store: Store, measured: Sequence[Measurement]) -> Section:
    """Return the figure in seconds, and in ratios to one network: those printed, of this project, and of ``store``."""
    comparison = next(each for each in comparisons if each.table.name == TABLE)
    accuracies = {
        tuple(row.published.cells[key] for key in comparison.table.keys): float(row.published.cells["top1"])
        for row in comparison.rows
    }
    table = timed_table(TABLE)
    seconds = [
        _point(row, accuracies, float(row.printed), f"{row.printed} s per {IMAGES} images")
        for row in table.rows
        if row.printed
    ]
    as_printed = Plot(
        "As printed: the paper's Figure 3, on 32 TPUv3 cores",
        (),
        (f"seconds per training step of {IMAGES} images", ACCURACY),
        0,
        1,
        _series({"": seconds}),
    )
    body = drawn(as_printed) + drawn(_relative(table, accuracies, _ratios(table, store, measured)))
    body += missing("To measure them on your device:", f"lambda-arch time --table {TABLE}")
    return Section("figure-3", "Speed and accuracy", body)


def _ratios(table: TimedTable, store: Store, measured: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    """Return times over the baseline's, by device and setup and by architecture."""
    found: dict[str, dict[str, float]] = {}
    for shipped in shipped_latencies():
        if shipped.table == TABLE:
            where = f"{shipped.machine['device_name']}, {shipped.setup}"
            found.setdefault(where, {})[shipped.architecture] = float(shipped.machine["ratio"])
    (baseline,) = table.baselines
    for timing in timings(store, [m for m in measured if m.setup.mode == table.mode], str(baseline)):
        if timing.ratio is not None:
            m = timing.measurement
            own = found.setdefault(f"{m.machine.get('device_name')}, {m.setup} (yours)", {})
            own[m.architecture] = timing.ratio.median
    return found


def _relative(
    table: TimedTable, accuracies: Mapping[tuple[str, ...], float], ratios: Mapping[str, Mapping[str, float]]
) -> Plot:
    (baseline,) = table.baselines
    groups = {
        "printed": [
            _point(row, accuracies, row.paper, f"{row.paper:.2f} times, printed") for row in table.rows if row.paper
        ]
    }
    for where, found in ratios.items():
        groups[where] = [
            _point(row, accuracies, ratio, f"{ratio:.2f} times on {where}")
            for row in table.rows
            if (ratio := found.get(str(row.architecture)))
        ]
    notes = (
        f"Seconds on different devices and batches are not comparable; ratios to the time of {baseline} are. "
        "Accuracies are as printed.",
    )
    heading = "time of a training step, relative"
    return Plot("Printed and measured, relative to one network", notes, (heading, ACCURACY), 0, 1, _series(groups))


def _point(row: TimedRow, accuracies: Mapping[tuple[str, ...], float], time: float, text: str) -> Point:
    name, top1 = str(row.architecture), accuracies[row.keys]
    return Point(row.keys[0], time, top1, name, f"{name}\n{text}\nprinted top-1 {top1} %")


def _series(groups: Mapping[str, Sequence[Point]]) -> tuple[Series, ...]:
    """Return a series per group and family: a symbol for each group, a colour for each family."""
    families = list(dict.fromkeys(point.family for points in groups.values() for point in points))
    found = []
    for number, (group, points) in enumerate(groups.items()):
        for colour, family in enumerate(families):
            of_family = sorted(point for point in points if point.family == family)
            if of_family:
                found.append(
                    Series(
                        f"{family}, {group}" if group else family,
                        SYMBOLS[number % len(SYMBOLS)],
                        tuple((point.time, point.top1) for point in of_family),
                        tuple(point.name for point in of_family),
                        tuple(point.text for point in of_family),
                        line=True,
                        colour=colour,
                    )
                )
    return tuple(found)
