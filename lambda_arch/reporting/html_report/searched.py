"""Fronts of the search, and where the costs of networks are."""

import html
from collections.abc import Sequence

from lambda_arch.costs import count
from lambda_arch.reporting.fronts import front_report, shown_front
from lambda_arch.reporting.html_report.section import Section, copy_button, drawn, tables
from lambda_arch.reporting.ledgers import ledger_report
from lambda_arch.reporting.plots import plot_of
from lambda_arch.reporting.plots.fronts import front_plot
from lambda_arch.searching import search
from lambda_arch.searching.highlights import spread

MEMBERS = 60
"""Members of a front that are shown."""


def fronts(spaces: Sequence[str], accuracy: str | None) -> Section:
    """Return the front of MACs and predicted top-1 of each space, with the published networks.

    Raises what :func:`lambda_arch.search` raises.
    """
    body = []
    for space in spaces:
        front = search(space, minimize=["macs"], maximize=["top1"], accuracy=accuracy)
        shown = shown_front(front, spread(front, MEMBERS))
        command = f"lambda-arch search --space {space} --minimize macs --maximize top1 --members {MEMBERS}"
        command += f" --accuracy {accuracy}" if accuracy else ""
        again = f"<p>{copy_button(command, f'<code>{html.escape(command)}</code>')}</p>"
        body.append(drawn(front_plot(shown)) + again + tables(front_report(shown)))
    return Section("fronts", "What is worth training", "\n".join(body))


def costs(names: Sequence[str]) -> Section:
    """Return where the parameters and MACs of networks are: by block, and one row per module."""
    ledgers = [count(name) for name in names]
    body = "\n".join(drawn(plot_of(ledger)) + tables(ledger_report(ledger)) for ledger in ledgers)
    return Section("costs", "Where the cost is", body)
