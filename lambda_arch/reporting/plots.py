"""Pictures drawn: an HTML page of its own, a PNG or SVG for a paper, and characters for a terminal."""

import html
import io
import math
from pathlib import Path
from typing import Any

from lambda_arch.files import atomic_write
from lambda_arch.reporting.picture import Picture

COLOURS = ("#0b5fa5", "#0b5fa5", "#c2410c", "#15803d")
DRAWN = (".html", ".png", ".svg", ".pdf")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 16px/1.45 system-ui, sans-serif; color: #1f2937; }}
body {{ margin: 1.5rem auto; max-width: 72rem; padding: 0 1rem; }}
h1 {{ font-size: 1.35rem; margin: 0 0 .3rem; }}
p {{ margin: .2rem 0; color: #4b5563; font-size: .9rem; }}
#copied {{ min-height: 1.5em; color: #15803d; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}</h1>
{notes}
<p>Hover over a point for its architecture; click on it to copy the name.</p>
{plot}
<p id="copied" role="status"></p>
</body>
</html>
"""

_COPY = """
var plot = document.getElementById('{plot_id}');
function say(name, done) {
  document.getElementById('copied').textContent = (done ? 'Copied: ' : 'Select and copy: ') + name;
}
function copyOldWay(name) {
  var box = document.createElement('textarea');
  box.value = name;
  document.body.appendChild(box);
  box.select();
  var done = document.execCommand('copy');
  box.remove();
  say(name, done);
}
plot.on('plotly_click', function (event) {
  var name = event.points[0].customdata[0];
  if (navigator.clipboard && window.isSecureContext) {
    navigator.clipboard.writeText(name).then(function () { say(name, true); }, function () { copyOldWay(name); });
  } else {
    copyOldWay(name);
  }
});
"""


def draw(picture: Picture, path: Path) -> None:
    """Write a picture to ``path``, whole or not at all; its ending says how.

    Raises ValueError for an ending that is none of :data:`DRAWN`, and OSError.
    """
    ending = path.suffix.lower()
    if ending not in DRAWN:
        raise ValueError(f"{path}: expected a file that ends in {', '.join(DRAWN)}, or - for the terminal")
    if ending == ".html":
        atomic_write(path, html_page(picture))
    else:
        atomic_write(path, image(picture, ending[1:]))


def html_page(picture: Picture) -> str:
    """Return a page that needs nothing but itself."""
    from plotly import graph_objects
    from plotly import io as plotly_io

    figure = graph_objects.Figure()
    for i, series in enumerate(picture.series):
        figure.add_trace(
            graph_objects.Scatter(
                x=[values[picture.x] for values in series.values],
                y=[values[picture.y] for values in series.values],
                name=series.name,
                mode="lines+markers" if picture.joined else "markers",
                customdata=[[name] for name in series.names],
                text=[_lines(text) for text in series.texts],
                hovertemplate="%{text}<extra></extra>",
                marker={"symbol": series.symbol, "size": 10 if i > 1 else 7, "color": COLOURS[i % len(COLOURS)]},
            )
        )
    figure.update_layout(
        template="simple_white",
        height=620,
        margin={"l": 70, "r": 20, "t": 60, "b": 60},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        hoverlabel={"align": "left"},
        xaxis=_axis(picture, picture.x),
        yaxis=_axis(picture, picture.y),
        updatemenus=_menus(picture),
    )
    plot = plotly_io.to_html(
        figure,
        include_plotlyjs=True,
        full_html=False,
        post_script=_COPY,
        config={"displaylogo": False, "responsive": True},
    )
    notes = "\n".join(f"<p>{html.escape(note)}</p>" for note in picture.notes)
    return _PAGE.format(title=html.escape(picture.title), notes=notes, plot=plot)


def _axis(picture: Picture, axis: int) -> dict[str, Any]:
    kind = "log" if picture.is_logarithmic(axis) else "linear"
    return {"title": {"text": picture.headings[axis]}, "type": kind, "showgrid": True}


def _menus(picture: Picture) -> list[dict[str, Any]]:
    """Return a menu of the horizontal axis, where there are more than two objectives."""
    if len(picture.headings) < 3:
        return []
    buttons = []
    for axis, heading in enumerate(picture.headings):
        if axis == picture.y:
            continue
        columns = [[values[axis] for values in series.values] for series in picture.series]
        layout = {"xaxis.title.text": heading, "xaxis.type": _axis(picture, axis)["type"], "xaxis.autorange": True}
        buttons.append({"label": heading, "method": "update", "args": [{"x": columns}, layout]})
    order = sorted(buttons, key=lambda button: button["label"] != picture.headings[picture.x])
    return [{"buttons": order, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}]


def _lines(text: str) -> str:
    """Return lines for a hover label: escaped, long names broken at their commas."""
    lines = []
    for line in text.split("\n"):
        rest = line
        while len(rest) > 90:
            cut = max(rest.rfind(",", 0, 90), rest.rfind(" ", 0, 90)) + 1 or 90
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest)
    return "<br>".join(html.escape(line) for line in lines)


def image(picture: Picture, kind: str) -> bytes:
    """Return a PNG, SVG or PDF of the first two axes, of a paper's column width."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure = Figure(figsize=(5.0, 3.4), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    markers = {"circle": "o", "circle-open": "o", "diamond": "D", "star": "*", "x": "x"}
    for i, series in enumerate(picture.series):
        colour = COLOURS[i % len(COLOURS)]
        hollow = series.symbol == "circle-open"
        axes.scatter(
            [values[picture.x] for values in series.values],
            [values[picture.y] for values in series.values],
            s=14 if i < 2 else 34,
            marker=markers[series.symbol],
            facecolors="none" if hollow else colour,
            edgecolors=colour if series.symbol != "x" else None,
            linewidths=0.8,
            label=series.name,
        )
        if picture.joined:
            xs, ys = ([values[axis] for values in series.values] for axis in (picture.x, picture.y))
            axes.plot(xs, ys, color=colour, linewidth=0.8)
    axes.set_xlabel(picture.headings[picture.x])
    axes.set_ylabel(picture.headings[picture.y])
    axes.set_xscale("log" if picture.is_logarithmic(picture.x) else "linear")
    axes.set_yscale("log" if picture.is_logarithmic(picture.y) else "linear")
    for axis, number in ((axes.xaxis, picture.x), (axes.yaxis, picture.y)):
        if picture.is_logarithmic(number):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7, frameon=False)
    axes.set_title(picture.title, fontsize=9)
    out = io.BytesIO()
    figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()


def characters(picture: Picture, width: int = 78, height: int = 20) -> str:
    """Return the picture in characters, at most ``width`` wide: a letter a series, the last on top."""
    points = [
        (values[picture.x], values[picture.y], _letter(series.symbol))
        for series in picture.series
        for values in series.values
    ]
    if not points:
        return "nothing to plot\n"
    columns = [
        _scale([x for x, _, _ in points], picture.is_logarithmic(picture.x)),
        _scale([y for _, y, _ in points], picture.is_logarithmic(picture.y)),
    ]
    labels = [f"{max(p[1] for p in points):.4g}", f"{min(p[1] for p in points):.4g}"]
    margin = max(map(len, labels))
    across = max(20, width - margin - 3)
    grid = [[" "] * across for _ in range(height)]
    for (_, _, letter), x, y in zip(points, *columns, strict=True):
        grid[height - 1 - round(y * (height - 1))][round(x * (across - 1))] = letter
    lines = [picture.title, picture.headings[picture.y]]
    for i, row in enumerate(grid):
        label = labels[0] if i == 0 else labels[1] if i == height - 1 else ""
        lines.append(f"{label:>{margin}} │{''.join(row)}".rstrip())
    lines.append(f"{'':>{margin}} └{'─' * across}")
    low, high = (f"{f(p[0] for p in points):.4g}" for f in (min, max))
    scale = ", logarithmic" if picture.is_logarithmic(picture.x) else ""
    middle = f"{picture.headings[picture.x]}{scale}"
    lines.append(f"{'':>{margin}}  {low}{middle:^{max(1, across - len(low) - len(high))}}{high}")
    lines.append("; ".join(f"{_letter(series.symbol)} {series.name}" for series in picture.series))
    return "\n".join(lines) + "\n"


def _letter(symbol: str) -> str:
    return {"circle": "●", "circle-open": "○", "diamond": "◆", "star": "*", "x": "·"}[symbol]


def _scale(values: list[float], logarithmic: bool) -> list[float]:
    """Return values scaled from 0 to 1."""
    scaled = [math.log(value) for value in values] if logarithmic else values
    low, high = min(scaled), max(scaled)
    return [(value - low) / (high - low) if high > low else 0.5 for value in scaled]
