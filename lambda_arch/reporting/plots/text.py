"""A plot in characters, for a terminal."""

import math
import textwrap

from lambda_arch.errors import escaped
from lambda_arch.reporting.plots.plot import AnyPlot, Bars, Plot, tick_text

HEIGHT = 20
BARS = "█▒░"


LETTERS = {"circle": "●", "circle-open": "○", "diamond": "◆", "triangle": "▲", "square": "■", "star": "*", "x": "·"}


def characters(plot: AnyPlot, width: int = 78) -> str:
    """Return the plot in characters, at most ``width`` wide: one symbol per series, later series on top."""
    lines = _bars(plot, width) if isinstance(plot, Bars) else _points(plot, width)
    return "\n".join(map(escaped, lines)) + "\n"


def _points(plot: Plot, width: int) -> list[str]:
    points = [
        (values[plot.x], values[plot.y], LETTERS[series.symbol])
        for series in plot.series
        for values in series.values
        if series.symbol
    ]
    if not points:
        return ["nothing to plot"]
    columns = [
        _scale([x for x, _, _ in points], plot.is_logarithmic(plot.x)),
        _scale([y for _, y, _ in points], plot.is_logarithmic(plot.y)),
    ]
    labels = [_figure(max(p[1] for p in points)), _figure(min(p[1] for p in points))]
    margin = max(map(len, labels))
    across = max(20, width - margin - 3)
    grid = [[" "] * across for _ in range(HEIGHT)]
    for (_, _, letter), x, y in zip(points, *columns, strict=True):
        grid[HEIGHT - 1 - round(y * (HEIGHT - 1))][round(x * (across - 1))] = letter
    lines = [plot.title, plot.headings[plot.y]]
    for i, row in enumerate(grid):
        label = labels[0] if i == 0 else labels[1] if i == HEIGHT - 1 else ""
        lines.append(f"{label:>{margin}} │{''.join(row)}".rstrip())
    lines.append(f"{'':>{margin}} └{'─' * across}")
    low, high = (_figure(f(p[0] for p in points)) for f in (min, max))
    scale = ", logarithmic" if plot.is_logarithmic(plot.x) else ""
    middle = f"{plot.headings[plot.x]}{scale}"
    lines.append(f"{'':>{margin}}  {low}{middle:^{max(1, across - len(low) - len(high))}}{high}")
    legend = "; ".join(f"{LETTERS[series.symbol]} {series.name}" for series in plot.series if series.symbol)
    return lines + textwrap.wrap(legend, width)


def _bars(plot: Bars, width: int) -> list[str]:
    """Return a bar per name and series."""
    values = [value for _, each in plot.series for value in each if value is not None]
    if not values:
        return ["nothing to plot"]
    margin = max(map(len, plot.names))
    across = max(10, width - margin - 12)
    most = max(*values, 1e-300)
    lines = [plot.title]
    for i, name in enumerate(plot.names):
        for j, (_, each) in enumerate(plot.series):
            value = each[i]
            bar = BARS[j % len(BARS)] * round((value or 0) / most * across)
            lines.append(f"{name if j == 0 else '':<{margin}} {bar} {'' if value is None else _figure(value)}")
    return [
        *lines,
        f"{plot.heading}: {', '.join(f'{BARS[j % len(BARS)]} {name}' for j, (name, _) in enumerate(plot.series))}",
    ]


def _scale(values: list[float], logarithmic: bool) -> list[float]:
    """Return values scaled from 0 to 1."""
    scaled = [math.log(value) for value in values] if logarithmic else values
    low, high = min(scaled), max(scaled)
    return [(value - low) / (high - low) if high > low else 0.5 for value in scaled]


def _figure(value: float) -> str:
    """Return a figure with four significant digits."""
    return tick_text(float(f"{value:.4g}"))
