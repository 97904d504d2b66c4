"""A plot as a self-contained HTML page: drawn by plotly.js, with its data in a table below."""

import gzip
import html
import json
from functools import cache
from importlib.resources import files

from lambda_arch.reporting.plots.figures import figure
from lambda_arch.reporting.plots.plot import AnyPlot, Bars

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<h1>{title}</h1>
{notes}
<p>Hover over a point for its architecture; click on it to copy the name.</p>
{plot}
<p class="copied" id="copied" role="status"></p>
{table}
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""


def html_page(plot: AnyPlot) -> str:
    """Return a self-contained HTML page."""
    return _PAGE.format(
        title=html.escape(plot.title),
        notes="\n".join(f"<p>{html.escape(note)}</p>" for note in plot.notes),
        plot=plot_element(plot),
        table=f"<details><summary>The data</summary>{data_table(plot)}</details>",
        css=resource("page.css"),
        plotly=plotly_script(),
        script=resource("page.js"),
    )


def plot_element(plot: AnyPlot) -> str:
    """Return the HTML element of a plot, for a page with plotly.js and page.js."""
    data = json.dumps(figure(plot), allow_nan=False).replace("<", "\\u003c")  # no end of the script element
    return (
        f'<div class="plot"><script type="application/json">{data}</script>'
        f'<div class="target" role="img" aria-label="{html.escape(describe(plot))}"></div></div>'
    )


def describe(plot: AnyPlot) -> str:
    """Return what a plot shows, for those who cannot see it."""
    if isinstance(plot, Bars):
        return f"{plot.title}: bars of {plot.heading} for {len(plot.names)} names."
    kinds = ", ".join(f"{len(series.values)} of {series.name}" for series in plot.series if series.symbol)
    return (
        f"{plot.title}: {plot.headings[plot.y]} over {plot.headings[plot.x]}; points: {kinds}. The data is in a table."
    )


def data_table(plot: AnyPlot) -> str:
    """Return the data of a plot as an HTML table."""
    if isinstance(plot, Bars):
        headings = ["", "", *(f"{name}, {plot.heading}" for name, _ in plot.series)]
        rows = [[name, "", *(_number(values[i]) for _, values in plot.series)] for i, name in enumerate(plot.names)]
    else:
        headings = ["architecture", "", *plot.headings]
        rows = [
            [name, series.name, *map(_number, values)]
            for series in plot.series
            if series.symbol
            for name, values in zip(series.names, series.values, strict=True)
        ]
    head = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading in headings)
    body = "\n".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="data" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


@cache
def resource(name: str) -> str:
    """Return a text file of this package."""
    return (files(__package__) / name).read_text("utf-8")


@cache
def plotly_script() -> str:
    """Return plotly.js with its basic traces (see the package's docstring for its license)."""
    packed = (files(__package__) / "plotly-basic.min.js.gz").read_bytes()
    return gzip.decompress(packed).decode().replace("</script", "<\\/script")
