"""A plot as an image for a paper, with matplotlib."""

import io
import textwrap
from typing import TYPE_CHECKING, Any

from lambda_arch.reporting.plots.plot import COLOURS, AnyPlot, Bars, Plot, tick_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 3.3
"""The width of a column of a two-column paper, in inches."""

MARK, LETTER = 0.3, 0.047
"""Inches of a mark in the legend, and of a letter."""

MARKERS = {
    "circle": "o", "circle-open": "o", "diamond": "D", "triangle": "^", "square": "s", "star": "*", "x": "x",
}  # fmt: skip
STYLE: dict[Any, Any] = {
    "font.size": 7,
    "axes.titlesize": 7,
    "legend.fontsize": 6,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,  # embedded as TrueType; SVG has the outlines of the letters
    "svg.fonttype": "path",
    "svg.hashsalt": "lambda-arch",  # the same plot is the same file
}


def image(plot: AnyPlot, kind: str, width: float = COLUMN) -> bytes:
    """Return a PNG, SVG or PDF, ``width`` inches wide, with fonts embedded."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        height = max(0.9, 0.13 * len(plot.names) * len(plot.series) + 0.7) if isinstance(plot, Bars) else width * 0.75
        figure = Figure(figsize=(width, height), dpi=300, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        if isinstance(plot, Bars):
            _bars(axes, plot)
        else:
            _points(axes, plot)
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_title(plot.title, wrap=True)
        if len(plot.series) > 1:
            _legend(figure, axes, width)
        out = io.BytesIO()
        dateless: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(out, format=kind, metadata=dateless.get(kind))
    return out.getvalue()


def _legend(figure: "Figure", axes: "Axes", width: float) -> None:
    """Put the names below the axes, in as many columns as fit, for which the figure grows."""
    handles, names = axes.get_legend_handles_labels()
    lines = ["\n".join(textwrap.wrap(name, max(20, int((width - MARK) / LETTER)))) for name in names]
    longest = max(len(line) for text in lines for line in text.split("\n"))
    columns = min(4, len(lines), max(1, int(width / (MARK + LETTER * longest))))
    height = 0.14 * sum(text.count("\n") + 1 for text in lines) / columns + 0.2
    figure.set_figheight(figure.get_figheight() + height)
    figure.legend(
        handles, lines, loc="outside lower center", ncols=columns, frameon=False, columnspacing=1, handletextpad=0.3
    )


def _points(axes: "Axes", plot: Plot) -> None:
    for i, series in enumerate(plot.series):
        colour = plot.colour(i)
        xs, ys = ([values[axis] for values in series.values] for axis in (plot.x, plot.y))
        few = len(xs) <= 60
        if series.line:
            axes.plot(xs, ys, color=colour, linewidth=0.8, zorder=1)
        for x, y, end in zip(xs, ys, series.ends, strict=False):
            if end is not None:
                axes.plot([x, x], [y, end], color=colour, linewidth=0.5, alpha=0.7, zorder=1)
        for x, pair in zip(xs, series.intervals, strict=False):
            if pair is not None:
                axes.plot([x, x], pair, color=colour, linewidth=0.6, alpha=0.5, zorder=1)
        if not series.symbol:
            continue
        axes.scatter(
            xs,
            ys,
            s=(14 if few else 5) * (1.6 if series.symbol == "star" else 1),
            marker=MARKERS[series.symbol],
            facecolors="none" if series.symbol == "circle-open" else colour,
            edgecolors=None if series.symbol == "x" else colour,
            linewidths=0.6,
            label=series.name,
            zorder=2,
        )
    axes.set_xlabel(plot.headings[plot.x])
    axes.set_ylabel(plot.headings[plot.y])
    for number, axis, limits, scale in (
        (plot.x, axes.xaxis, axes.get_xlim, axes.set_xscale),
        (plot.y, axes.yaxis, axes.get_ylim, axes.set_yscale),
    ):
        if plot.is_logarithmic(number):
            scale("log")
            low, high = limits()
            ticks = [tick for tick in plot.ticks(number) if low <= tick <= high]
            axis.set_ticks(ticks, labels=list(map(tick_text, ticks)))
            axis.set_ticks([], minor=True)
        elif plot.is_counted(number):
            low, high = min(plot.of_axis(number)), max(plot.of_axis(number))
            axis.set_ticks(range(int(low), int(high) + 1))
    if plot.diagonal:
        both = [*plot.of_axis(plot.x), *plot.of_axis(plot.y)]
        axes.plot([min(both), max(both)], [min(both), max(both)], color="grey", linewidth=0.6, zorder=0)


def _bars(axes: "Axes", plot: Bars) -> None:
    wide = 0.8 / max(1, len(plot.series))
    for i, (name, values) in enumerate(plot.series):
        places = [j + (i - (len(plot.series) - 1) / 2) * wide for j in range(len(plot.names))]
        axes.barh(places, [value or 0 for value in values], wide, color=COLOURS[i % len(COLOURS)], label=name)
    axes.set_yticks(range(len(plot.names)), plot.names)
    axes.invert_yaxis()
    axes.set_xlabel(plot.heading)
