"""A plot as a value: axes, series of points, title and notes. Other modules draw it."""

from dataclasses import dataclass

COLOURS = ("#0b5fa5", "#0b5fa5", "#c2410c", "#15803d")
LOGARITHMIC = 20.0  # the ratio of values from which an axis is logarithmic


@dataclass(frozen=True)
class Series:
    """Points of one kind: ``values[i]`` has one figure per axis; a click copies ``names[i]``."""

    name: str
    symbol: str
    values: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Plot:
    """A plot: ``x`` and ``y`` say which axes are shown first; ``joined``: whether lines join the points of a series."""

    title: str
    notes: tuple[str, ...]
    headings: tuple[str, ...]
    x: int
    y: int
    series: tuple[Series, ...]
    joined: bool = False

    def is_logarithmic(self, axis: int) -> bool:
        """Whether an axis is logarithmic, because its range is wide."""
        found = [values[axis] for series in self.series for values in series.values]
        return bool(found) and min(found) > 0 and max(found) / min(found) >= LOGARITHMIC
