"""What was published, and how it compares with our counts: verdicts, tables and the audit."""

import html
import re
from collections.abc import Iterator

from lambda_arch.comparing import Comparison, Comparisons, audit
from lambda_arch.comparing.comparison import ComparedRow
from lambda_arch.comparing.verdict import AGREES, DIFFERS, NOT_BUILDABLE, ONE_DIGIT, TRUNCATED, Verdict
from lambda_arch.published import Column
from lambda_arch.reporting import report_of
from lambda_arch.reporting.html_report.section import Section, copy_button, table_element, tables

MARKS = {AGREES: "✓", TRUNCATED: "✓", ONE_DIGIT: "±", DIFFERS: "✗", NOT_BUILDABLE: "-"}
KINDS = {AGREES: "agrees", TRUNCATED: "truncated", ONE_DIGIT: "digit", DIFFERS: "differs", NOT_BUILDABLE: "none"}
COMMANDS = {"params": "params", "macs": "flops"}


def verdicts(comparisons: Comparisons) -> Section:
    """Return the matrix of all printed figures: one line per table, one mark per figure."""
    rows = []
    for comparison in comparisons:
        marks = "".join(_marks(comparison))
        if marks:
            name = comparison.table.name
            rows.append(
                f'<tr role="row"><th scope="row" role="rowheader"><a href="#table-{name}">{name}</a></th>'
                f'<td role="cell">{marks}</td></tr>'
            )
    key = " ".join(
        f'<span class="verdict {KINDS[verdict]}">{mark}</span> {html.escape(verdict)}'
        for verdict, mark in MARKS.items()
    )
    body = (
        "<p>One mark per printed figure that can be counted. Point at a mark, or move to it with the keyboard, for the "
        "printed figure, ours and the reason; press it to copy the command that shows it.</p>"
        f'<p class="key">{key}</p><table class="matrix" role="table" aria-label="Verdicts">{"".join(rows)}</table>'
    )
    return Section("verdicts", "Published figures and our counts", body)


def _marks(comparison: Comparison) -> Iterator[str]:
    columns = {column.name: column for column in comparison.table.columns}
    for row in comparison.rows:
        for name, verdict in row.verdicts.items():
            if verdict.verdict in MARKS:
                yield _mark(comparison, row, columns[name], verdict)


def _mark(comparison: Comparison, row: ComparedRow, column: Column, verdict: Verdict) -> str:
    keys = ", ".join(f"{key} {row.published.cells[key]}" for key in comparison.table.keys)
    ours = "" if verdict.ours is None else f", ours {verdict.ours:,}"
    reason = f". {verdict.reason}" if verdict.reason else ""
    figure = f"{column.label} {verdict.printed} {column.unit}"
    tip = f"{comparison.table.name}, {keys}: {figure}{ours}: {verdict.verdict}{reason}"
    command = COMMANDS.get(column.quantity)
    network = row.published.architecture
    text = (
        f"lambda-arch {command} '{network}'" if command and network else f"lambda-arch tables {comparison.table.name}"
    )
    return copy_button(text, MARKS[verdict.verdict], tip, f"verdict {KINDS[verdict.verdict]}")


def published_tables(comparisons: Comparisons) -> Section:
    """Return every published table."""
    body = []
    for comparison in comparisons:
        shown = "".join(table_element(table, fold=True) for table in report_of(comparison).tables)
        name = comparison.table.name
        about = re.sub(r"`(.*?)`", r"<code>\1</code>", html.escape(comparison.table.about))
        body.append(f'<div id="table-{name}"><h3>{name}</h3><p>{about}</p>{shown}</div>')
    return Section("tables", "All published tables", "\n".join(body))


def findings() -> Section:
    """Return the audit: which hypotheses give the figures that differ."""
    return Section("audit", "Why printed figures differ", tables(report_of(audit())))
