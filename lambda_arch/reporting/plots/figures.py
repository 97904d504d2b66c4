"""A plot as a figure of plotly.js: its traces and layout, as JSON."""

import html
from typing import Any

from lambda_arch.reporting.plots.plot import COLOURS, AnyPlot, Bars, Plot, tick_text

SYMBOLS = {"triangle": "triangle-up"}
Figure = dict[str, Any]


def figure(plot: AnyPlot) -> Figure:
    """Return the ``data`` and ``layout`` of a plot; the page adds the colours of its light or dark scheme."""
    if isinstance(plot, Bars):
        return _bars(plot)
    traces = [trace for i in range(len(plot.series)) for trace in _traces(plot, i)]
    if plot.diagonal:
        both = [*plot.of_axis(plot.x), *plot.of_axis(plot.y)]
        ends = [min(both), max(both)]
        traces.append(_line(ends, ends, "#888888", 1, "equal"))
    layout = {
        "height": 560,
        "margin": {"l": 70, "r": 20, "t": 60, "b": 60},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        "hoverlabel": {"align": "left"},
        "xaxis": _axis(plot, plot.x),
        "yaxis": _axis(plot, plot.y),
        "updatemenus": _menus(plot, traces),
    }
    return {"data": traces, "layout": layout}


def _traces(plot: Plot, number: int) -> list[Figure]:
    """Return the points of a series, and its thin lines before them."""
    series, colour = plot.series[number], plot.colour(number)
    xs, ys = ([values[axis] for values in series.values] for axis in (plot.x, plot.y))
    if not series.symbol:
        return [_line(xs, ys, colour, 2, series.name)]
    points: Figure = {
        "type": "scatter",
        "mode": "lines+markers" if series.line else "markers",
        "x": xs,
        "y": ys,
        "name": html.escape(series.name),
        "legendgroup": str(number),
        "customdata": [[name] for name in series.names],
        "text": [_lines(text) for text in series.texts],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "symbol": SYMBOLS.get(series.symbol, series.symbol),
            "size": 8 if len(xs) > 60 else 10,
            "color": colour,
        },
        "line": {"width": 1.5, "color": colour},
    }
    if any(series.intervals):
        pairs = [pair or (y, y) for pair, y in zip(series.intervals, ys, strict=True)]
        points["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [high - y for (_, high), y in zip(pairs, ys, strict=True)],
            "arrayminus": [y - low for (low, _), y in zip(pairs, ys, strict=True)],
            "thickness": 1,
            "width": 0,
        }
    if not any(end is not None for end in series.ends):
        return [points]
    thin_x: list[float | None] = []
    thin_y: list[float | None] = []
    for x, y, end in zip(xs, ys, series.ends, strict=True):
        if end is not None:
            thin_x += [x, x, None]
            thin_y += [y, end, None]
    return [{**_line(thin_x, thin_y, colour, 1, series.name), "legendgroup": str(number)}, points]


def _line(xs: Any, ys: Any, colour: str, width: int, name: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "name": html.escape(name),
        "line": {"width": width, "color": colour},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _axis(plot: Plot, axis: int) -> Figure:
    found: Figure = {"title": {"text": html.escape(plot.headings[axis])}, "showgrid": True, "automargin": True}
    if not plot.is_logarithmic(axis):
        return {
            **found,
            "type": "linear",
            "tickvals": None,
            "ticktext": None,
            "dtick": 1 if plot.is_counted(axis) else None,
        }
    ticks = plot.ticks(axis)
    return {**found, "type": "log", "tickvals": ticks, "ticktext": list(map(tick_text, ticks))}


def _menus(plot: Plot, traces: list[Figure]) -> list[Figure]:
    """Return a menu for the horizontal axis if there are more than two objectives."""
    if len(plot.headings) < 3:
        return []
    points = [number for number, trace in enumerate(traces) if "customdata" in trace]
    buttons = []
    for axis, heading in enumerate(plot.headings):
        if axis == plot.y:
            continue
        columns: list[list[float | None]] = []
        for number, trace in enumerate(traces):
            series = plot.series[points.index(number) if number in points else points.index(number + 1)]
            xs = [values[axis] for values in series.values]
            if "customdata" in trace:
                columns.append([*xs])
            else:  # the thin lines of the next trace
                columns.append(
                    [each for x, end in zip(xs, series.ends, strict=True) if end is not None for each in (x, x, None)]
                )
        found = _axis(plot, axis)
        layout = {f"xaxis.{name}": found[name] for name in ("type", "tickvals", "ticktext")}
        layout |= {"xaxis.title.text": found["title"]["text"], "xaxis.autorange": True}
        buttons.append({"label": html.escape(heading), "method": "update", "args": [{"x": columns}, layout]})
    order = sorted(buttons, key=lambda button: button["label"] != html.escape(plot.headings[plot.x]))
    return [{"buttons": order, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}]


def _bars(plot: Bars) -> Figure:
    names = [html.escape(name) for name in plot.names]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": names,
            "x": list(values),
            "name": html.escape(name),
            "customdata": [[each] for each in plot.names],
            "marker": {"color": COLOURS[i % len(COLOURS)]},
            "hovertemplate": "%{y}: %{x:.4g}<extra>" + html.escape(name) + "</extra>",
        }
        for i, (name, values) in enumerate(plot.series)
    ]
    layout = {
        "height": 120 + 14 * len(names) * max(1, len(plot.series)),
        "margin": {"l": 70, "r": 20, "t": 40, "b": 60},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        "xaxis": {"title": {"text": html.escape(plot.heading)}, "showgrid": True},
        "yaxis": {"autorange": "reversed", "type": "category", "automargin": True},
    }
    return {"data": traces, "layout": layout}


def _lines(text: str) -> str:
    """Return the escaped text of a hover label, with long names broken at their commas."""
    lines = []
    for line in text.split("\n"):
        rest = line
        while len(rest) > 60:
            cut = max(rest.rfind(",", 0, 60), rest.rfind(" ", 0, 60)) + 1 or 60
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest)
    return "<br>".join(html.escape(line) for line in lines)
