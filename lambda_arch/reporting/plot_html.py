"""A plot as a self-contained HTML page, with plotly."""

import html
from typing import Any

from lambda_arch.reporting.plot import COLOURS, Plot

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


def html_page(plot: Plot) -> str:
    """Return a self-contained HTML page."""
    from plotly import graph_objects
    from plotly import io as plotly_io

    figure = graph_objects.Figure()
    for i, series in enumerate(plot.series):
        figure.add_trace(
            graph_objects.Scatter(
                x=[values[plot.x] for values in series.values],
                y=[values[plot.y] for values in series.values],
                name=series.name,
                mode="lines+markers" if plot.joined else "markers",
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
        xaxis=_axis(plot, plot.x),
        yaxis=_axis(plot, plot.y),
        updatemenus=_menus(plot),
    )
    drawn = plotly_io.to_html(
        figure,
        include_plotlyjs=True,
        full_html=False,
        post_script=_COPY,
        config={"displaylogo": False, "responsive": True},
    )
    notes = "\n".join(f"<p>{html.escape(note)}</p>" for note in plot.notes)
    return _PAGE.format(title=html.escape(plot.title), notes=notes, plot=drawn)


def _axis(plot: Plot, axis: int) -> dict[str, Any]:
    kind = "log" if plot.is_logarithmic(axis) else "linear"
    return {"title": {"text": plot.headings[axis]}, "type": kind, "showgrid": True}


def _menus(plot: Plot) -> list[dict[str, Any]]:
    """Return a menu for the horizontal axis if there are more than two objectives."""
    if len(plot.headings) < 3:
        return []
    buttons = []
    for axis, heading in enumerate(plot.headings):
        if axis == plot.y:
            continue
        columns = [[values[axis] for values in series.values] for series in plot.series]
        layout = {"xaxis.title.text": heading, "xaxis.type": _axis(plot, axis)["type"], "xaxis.autorange": True}
        buttons.append({"label": heading, "method": "update", "args": [{"x": columns}, layout]})
    order = sorted(buttons, key=lambda button: button["label"] != plot.headings[plot.x])
    return [{"buttons": order, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}]


def _lines(text: str) -> str:
    """Return the escaped text of a hover label, with long names broken at their commas."""
    lines = []
    for line in text.split("\n"):
        rest = line
        while len(rest) > 90:
            cut = max(rest.rfind(",", 0, 90), rest.rfind(" ", 0, 90)) + 1 or 90
            lines.append(rest[:cut])
            rest = rest[cut:]
        lines.append(rest)
    return "<br>".join(html.escape(line) for line in lines)
