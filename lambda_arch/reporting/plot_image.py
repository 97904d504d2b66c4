"""A plot as an image for a paper, with matplotlib."""

import io

from lambda_arch.reporting.plot import COLOURS, Plot


def image(plot: Plot, kind: str) -> bytes:
    """Return a PNG, SVG or PDF of the axes ``plot.x`` and ``plot.y``, as wide as a paper's column."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure = Figure(figsize=(5.0, 3.4), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    markers = {"circle": "o", "circle-open": "o", "diamond": "D", "star": "*", "x": "x"}
    for i, series in enumerate(plot.series):
        colour = COLOURS[i % len(COLOURS)]
        hollow = series.symbol == "circle-open"
        axes.scatter(
            [values[plot.x] for values in series.values],
            [values[plot.y] for values in series.values],
            s=14 if i < 2 else 34,
            marker=markers[series.symbol],
            facecolors="none" if hollow else colour,
            edgecolors=colour if series.symbol != "x" else None,
            linewidths=0.8,
            label=series.name,
        )
        if plot.joined:
            xs, ys = ([values[axis] for values in series.values] for axis in (plot.x, plot.y))
            axes.plot(xs, ys, color=colour, linewidth=0.8)
    axes.set_xlabel(plot.headings[plot.x])
    axes.set_ylabel(plot.headings[plot.y])
    axes.set_xscale("log" if plot.is_logarithmic(plot.x) else "linear")
    axes.set_yscale("log" if plot.is_logarithmic(plot.y) else "linear")
    for axis, number in ((axes.xaxis, plot.x), (axes.yaxis, plot.y)):
        if plot.is_logarithmic(number):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7, frameon=False)
    axes.set_title(plot.title, fontsize=9)
    out = io.BytesIO()
    figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()
