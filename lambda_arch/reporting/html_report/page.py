"""The page of the report: its sections in order, with everything that it needs inside."""

import html
from collections.abc import Sequence
from importlib.resources import files

from lambda_arch.comparing import compare
from lambda_arch.reporting.html_report import measured, published, searched
from lambda_arch.reporting.html_report.figure_3 import speed_and_accuracy
from lambda_arch.reporting.html_report.section import Section
from lambda_arch.reporting.plots.page import plotly_script, resource
from lambda_arch.store import Store, find_measurements
from lambda_arch.timing.measuring import timings

SPACES = ("scaling", "stages")
ARCHITECTURES = ("lambda_resnet50", "resnet50")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LambdaResNets: costs, speeds and accuracies</title>
<style>{css}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1>LambdaResNets: costs, speeds and accuracies</h1>
<p>Made by <code>lambda-arch report</code> {version}. Counts are exact; accuracies say whether
they are printed, trained here, or predicted.</p>
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main id="main">
{sections}
</main>
<p class="copied" id="copied" role="status"></p>
<div id="tip" role="tooltip" hidden></div>
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""


def html_report(
    store: Store,
    spaces: Sequence[str] = SPACES,
    architectures: Sequence[str] = ARCHITECTURES,
    accuracy: str | None = None,
) -> str:
    """Return the report as one HTML page that needs nothing else.

    ``store``: where measurements and runs come from; ``spaces`` to search, ``architectures`` whose costs to show by
    module, ``accuracy``: as in :func:`lambda_arch.search`. Raises :class:`LambdaArchError` for a space or an
    architecture that does not exist.
    """
    from lambda_arch import __version__

    measured_here = find_measurements(store)
    found = timings(store, measured_here)
    comparisons = compare()
    sections = [
        published.verdicts(comparisons),
        speed_and_accuracy(comparisons, store, measured_here),
        searched.fronts(spaces, accuracy),
        searched.costs(architectures),
        measured.latencies(found),
        measured.rooflines(store),
        measured.training_runs(store),
        published.findings(),
        published.published_tables(comparisons),
    ]
    return _PAGE.format(
        version=__version__,
        links="".join(f'<li><a href="#{each.name}">{html.escape(each.title)}</a></li>' for each in sections),
        sections="\n".join(map(_section, sections)),
        css=resource("page.css") + (files(__package__) / "report.css").read_text("utf-8"),
        plotly=plotly_script(),
        script=resource("page.js") + (files(__package__) / "report.js").read_text("utf-8"),
    )


def _section(section: Section) -> str:
    title = html.escape(section.title)
    return f'<section id="{section.name}" aria-label="{title}"><h2>{title}</h2>\n{section.body}\n</section>'
