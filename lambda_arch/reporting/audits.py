"""Report of the audit."""

from dataclasses import replace
from typing import Any

from lambda_arch.comparing.findings import Finding, Findings
from lambda_arch.comparing.verdict import SCALES
from lambda_arch.published import load_table
from lambda_arch.reporting.comparisons import read_cell
from lambda_arch.reporting.table import Column, Report, Table


def audit_report(findings: Findings) -> Report:
    """Return, by column of a table, the figures that differ from our counts, and the hypothesis that explains each."""
    rows = [_cells(finding) for finding in findings]
    human = [
        Column("printed_shown", "printed"),
        Column("ours_short", "ours"),
        Column("found", "simplest hypothesis", align="left"),
        Column("given", "give it"),
        Column("chance", "by chance"),
        Column("explained", "explains", optional=True),
        Column("contradicted", "coincidences", optional=True),
    ]
    tables = []
    for name, figure in dict.fromkeys((row["table"], row["figure"]) for row in rows):
        row_name = Column("shown_row", "/".join(load_table(name).keys), align="left")
        here = [row for row in rows if (row["table"], row["figure"]) == (name, figure)]
        filled = [each for each in human if any(row[each.name] for row in here)]
        tables.append(Table([row_name, *filled], here, f"{name}: {figure}"))
    notes = [
        *_totals(findings),
        "Give it: of the hypotheses tried, those that give the figure. By chance: of the column's figures that agree, "
        "how many a hypothesis about their row alone would give as well. Explains: the figures of the table that the "
        "simplest hypothesis gives, where it is more than one. Coincidences: hypotheses that give the figure too, but "
        "contradict figures of the same column that agree. The last two are left out where the terminal is too narrow.",
    ]
    if tables:
        tables[-1] = replace(tables[-1], notes=notes)
    flat = (
        "table", "row", "figure", "architecture", "printed", "unit", "ours", "reading", "explains", "others",
        "coincidences", "readings_tried", "as_stated", "agreeing_also_given", "agreeing",
    )  # fmt: skip
    data = [{name: row[name] for name in flat} for row in rows]
    return Report(tables, Table([Column(name) for name in flat], rows), data)


def _totals(findings: Findings) -> list[str]:
    stated = [finding for finding in findings if finding.figure.stated]
    differ = [finding for finding in findings if not finding.figure.stated]
    explained = sum(finding.hypothesis is not None for finding in differ)
    what = f"{len(differ)} printed figures differ from what their own architectures give"
    if len(differ) == 1:
        what = "1 printed figure differs from what its own architecture gives"
    lines = [
        f"{what}, as in `lambda-arch tables`: {_have(explained)} a hypothesis that explains "
        f"{'it' if explained == 1 else 'them'}, {_have(len(differ) - explained)} none."
    ]
    if stated:
        reasons = " ".join(dict.fromkeys(each.reason for f in stated for each in f.figure.table.stated))
        agree = "more agree there, where a known hypothesis is counted, and differ as their source states them"
        if len(stated) == 1:
            agree = "more agrees there, where a known hypothesis is counted, and differs as its source states it"
        lines.append(f"{len(stated)} {agree} (* marks these rows): {reasons}")
    return lines


def _have(number: int) -> str:
    return f"{number} {'has' if number == 1 else 'have'}"


def _cells(finding: Finding) -> dict[str, Any]:
    figure = finding.figure
    return {
        "table": figure.table.name,
        "row": figure.row_name,
        "shown_row": f"{figure.row_name} *" if figure.stated else figure.row_name,
        "figure": figure.column.name,
        "printed": read_cell(figure.printed),
        "unit": figure.column.unit,
        "printed_shown": f"{figure.printed} {figure.column.unit}",
        "ours": figure.ours,
        "ours_short": f"{figure.ours / SCALES[figure.column.unit]:.2f}",
        "architecture": str(figure.architecture),
        "reading": finding.hypothesis,
        "found": finding.hypothesis or "none",
        "given": f"{len(finding.others) + 1 if finding.hypothesis else 'none'} of {finding.tried}",
        "chance": "{} of {}".format(*finding.chance) if finding.chance else None,
        "explained": finding.explains if finding.explains > 1 else None,
        "contradicted": len(finding.coincidences) or None,
        "explains": finding.explains,
        "others": "; ".join(finding.others),
        "coincidences": "; ".join(finding.coincidences),
        "readings_tried": finding.tried,
        "as_stated": figure.stated,
        "agreeing_also_given": finding.chance[0] if finding.chance else None,
        "agreeing": finding.chance[1] if finding.chance else None,
    }
