"""Plots as values: points over two axes, or bars. Other modules draw them."""

import math
from dataclasses import dataclass

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b88400", "#56b4e9", "#6b7280")
"""Colours that colour-blind people can tell apart (Okabe and Ito 2008), the yellow darker for white paper."""

SYMBOLS = ("circle", "square", "triangle", "diamond", "star", "x", "circle-open")
LOGARITHMIC = 20.0  # the ratio of values from which an axis is logarithmic
WHOLE = 10  # the range of whole numbers up to which each is marked


@dataclass(frozen=True)
class Series:
    """Points of one kind: ``values[i]`` has one figure per axis; a click copies ``names[i]``.

    ``line``: whether a line joins the points. ``intervals``: the lower and upper end of each point on the vertical
    axis, or None. ``ends``: where a thin vertical line from each point ends, or None. ``colour``: its number in
    COLOURS, by default the number of the series.
    """

    name: str
    symbol: str
    values: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]
    texts: tuple[str, ...]
    line: bool = False
    intervals: tuple[tuple[float, float] | None, ...] = ()
    ends: tuple[float | None, ...] = ()
    colour: int | None = None


@dataclass(frozen=True)
class Plot:
    """Points: ``x`` and ``y`` say which axes are shown first. ``diagonal``: whether to draw the line of equality."""

    title: str
    notes: tuple[str, ...]
    headings: tuple[str, ...]
    x: int
    y: int
    series: tuple[Series, ...]
    diagonal: bool = False

    def of_axis(self, axis: int) -> list[float]:
        """Return all values on an axis, and on the vertical one the ends of intervals and thin lines."""
        found = [values[axis] for series in self.series for values in series.values]
        if axis == self.y:
            found += [end for series in self.series for pair in series.intervals if pair for end in pair]
            found += [end for series in self.series for end in series.ends if end is not None]
        return found

    def is_logarithmic(self, axis: int) -> bool:
        """Whether an axis is logarithmic, because its range is wide."""
        found = self.of_axis(axis)
        return bool(found) and min(found) > 0 and max(found) / min(found) >= LOGARITHMIC

    def is_counted(self, axis: int) -> bool:
        """Whether an axis has few whole numbers, such as epochs: no marks between them."""
        found = self.of_axis(axis)
        return bool(found) and max(found) - min(found) <= WHOLE and all(float(each).is_integer() for each in found)

    def ticks(self, axis: int) -> list[float]:
        """Return the values to mark on a logarithmic axis: powers of ten, and in a short range 2 and 5 times these."""
        found = self.of_axis(axis)
        low, high = math.floor(math.log10(min(found))) - 1, math.ceil(math.log10(max(found))) + 1
        digits = (1, 2, 5) if high - low <= 5 else (1,)
        return [digit * 10.0**power for power in range(low, high + 1) for digit in digits]

    def colour(self, number: int) -> str:
        """Return the colour of a series."""
        own = self.series[number].colour
        return COLOURS[(number if own is None else own) % len(COLOURS)]


@dataclass(frozen=True)
class Bars:
    """Horizontal bars: for each of ``names``, one per series, next to each other; None where there is no value."""

    title: str
    notes: tuple[str, ...]
    heading: str
    names: tuple[str, ...]
    series: tuple[tuple[str, tuple[float | None, ...]], ...]


AnyPlot = Plot | Bars


def tick_text(value: float) -> str:
    """Return the label of a tick: 0.05, 5, 50, 5000."""
    return (
        f"{value:.6g}"
        if 1e-4 <= abs(value) < 1e6 or not value
        else f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")
    )
