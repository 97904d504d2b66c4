"""Reports of the audit and of the inverse question."""

from dataclasses import replace
from typing import Any

from lambda_arch.comparing.findings import Finding, Findings
from lambda_arch.comparing.matching import Matches
from lambda_arch.published import load_table
from lambda_arch.reporting.table import Column, Report, Table, billions, millions

SCALE = {"params": 1e6, "macs": 1e9}


def audit_report(findings: Findings) -> Report:
    """Return, by table, the figures that their own architectures do not give, and what reading does."""
    rows = [_cells(finding) for finding in findings]
    human = [
        Column("figure", align="left"),
        Column("printed"),
        Column("ours_short", "ours"),
        Column("found", "simplest reading that gives it", align="left"),
        Column("certainty", "how surely", align="left"),
    ]
    tables = []
    for name in dict.fromkeys(row["table"] for row in rows):
        row_name = Column("row", "/".join(load_table(name).keys), align="left")
        tables.append(Table([row_name, *human], [row for row in rows if row["table"] == name], name))
    explained = sum(finding.reading is not None for finding in findings)
    notes = [
        f"{len(findings)} printed figures are not what their own architectures, as stated, give: a single reading "
        f"explains {explained} of them, none {len(findings) - explained}.",
        "How surely: how many single readings give the figure, of those tried. A coincidence gives it too, but spoils "
        "figures of the same column that agree.",
    ]
    if tables:
        tables[-1] = replace(tables[-1], notes=notes)
    flat = (
        "table", "row", "figure", "architecture", "printed", "ours", "reading", "explains", "others", "coincidences",
        "readings_tried",
    )  # fmt: skip
    data = [{name: row[name] for name in flat} for row in rows]
    return Report(tables, Table([Column(name) for name in flat], rows), data)


def _cells(finding: Finding) -> dict[str, Any]:
    figure = finding.figure
    return {
        "table": figure.table.name,
        "row": figure.row_name,
        "figure": figure.column.name,
        "printed": f"{figure.printed} {figure.column.unit}",
        "ours": figure.ours,
        "ours_short": f"{figure.ours / SCALE[figure.column.quantity]:.2f}",
        "architecture": str(figure.architecture),
        "reading": finding.reading,
        "found": finding.reading or "none",
        "certainty": certainty(finding),
        "explains": finding.explains,
        "others": "; ".join(finding.others),
        "coincidences": "; ".join(finding.coincidences),
        "readings_tried": finding.tried,
    }


def certainty(finding: Finding) -> str:
    """Write in a few words how many readings give a figure, and how many were tried."""
    given = f"{len(finding.others) + 1 if finding.reading else 'none'} of {finding.tried}"
    if finding.explains > 1:
        given += f"; gives {finding.explains}"
    if finding.coincidences:
        given += f"; {len(finding.coincidences)} coincidence{'s' if len(finding.coincidences) > 1 else ''}"
    return given


def match_report(matches: Matches) -> Report:
    """Return the simplest architectures within the rounding of a figure."""
    rows = [
        {"architecture": str(each.architecture), "params": each.params, "macs": each.macs, "changes": each.changes}
        for each in matches.best
    ]
    columns = [
        Column("architecture", align="left"),
        Column("params", "params (M)", show=millions),
        Column("macs", "MACs (G)", show=billions),
        Column("changes"),
    ]
    note = (
        f"{matches.found:,} of {matches.searched:,} readings are within the rounding. "
        "Changes: settings that are not the defaults."
    )
    data = {"matches": rows, "found": matches.found, "searched": matches.searched}
    return Report([Table(columns, rows, notes=[note])], Table(columns, rows), data)
