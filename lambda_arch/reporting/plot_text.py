"""A plot in characters, for a terminal."""

import math

from lambda_arch.errors import escaped
from lambda_arch.reporting.plot import Plot

HEIGHT = 20


def characters(plot: Plot, width: int = 78) -> str:
    """Return the plot in characters, at most ``width`` wide: one symbol per series, later series on top."""
    points = [
        (values[plot.x], values[plot.y], _letter(series.symbol)) for series in plot.series for values in series.values
    ]
    if not points:
        return "nothing to plot\n"
    columns = [
        _scale([x for x, _, _ in points], plot.is_logarithmic(plot.x)),
        _scale([y for _, y, _ in points], plot.is_logarithmic(plot.y)),
    ]
    labels = [f"{max(p[1] for p in points):.4g}", f"{min(p[1] for p in points):.4g}"]
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
    low, high = (f"{f(p[0] for p in points):.4g}" for f in (min, max))
    scale = ", logarithmic" if plot.is_logarithmic(plot.x) else ""
    middle = f"{plot.headings[plot.x]}{scale}"
    lines.append(f"{'':>{margin}}  {low}{middle:^{max(1, across - len(low) - len(high))}}{high}")
    lines.append("; ".join(f"{_letter(series.symbol)} {series.name}" for series in plot.series))
    return "\n".join(map(escaped, lines)) + "\n"


def _letter(symbol: str) -> str:
    return {"circle": "●", "circle-open": "○", "diamond": "◆", "star": "*", "x": "·"}[symbol]


def _scale(values: list[float], logarithmic: bool) -> list[float]:
    """Return values scaled from 0 to 1."""
    scaled = [math.log(value) for value in values] if logarithmic else values
    low, high = min(scaled), max(scaled)
    return [(value - low) / (high - low) if high > low else 0.5 for value in scaled]
