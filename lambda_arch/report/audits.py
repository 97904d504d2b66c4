"""Reports of the audit and of the inverse question."""

from collections.abc import Sequence

from lambda_arch.compare.audit import Finding
from lambda_arch.compare.match import Matches
from lambda_arch.report.table import Column, Report, Table, billions, millions

SCALE = {"params": 1e6, "macs": 1e9}


def audit_report(findings: Sequence[Finding]) -> Report:
    """Return a row a figure that its own architecture does not give, and what reading does."""
    rows = [
        {
            "table": finding.figure.table.name,
            "row": _row(finding),
            "figure": finding.figure.column.name,
            "printed": f"{finding.figure.printed} {finding.figure.column.unit}",
            "ours": finding.figure.ours,
            "ours_short": f"{finding.figure.ours / SCALE[finding.figure.column.quantity]:.2f}",
            "architecture": str(finding.figure.architecture),
            "reading": finding.reading,
            "found": finding.reading or "none",
            "certainty": certainty(finding),
            "explains": finding.explains,
            "others": "; ".join(finding.others),
            "coincidences": "; ".join(finding.coincidences),
            "readings_tried": finding.tried,
        }
        for finding in findings
    ]
    human = [
        *(Column(name, align="left") for name in ("table", "row")),
        Column("printed"),
        Column("ours_short", "ours"),
        Column("found", "simplest reading that gives it", align="left"),
        Column("certainty", "how surely", align="left"),
    ]
    flat = [
        Column(name)
        for name in (
            "table", "row", "figure", "architecture", "printed", "ours", "reading", "explains", "others",
            "coincidences", "readings_tried", "certainty",
        )
    ]  # fmt: skip
    explained = sum(finding.reading is not None for finding in findings)
    notes = [
        f"{len(findings)} printed figures are not what their own architectures, as stated, give; "
        f"a single reading explains {explained}, none {len(findings) - explained}.",
        "A reading that would spoil figures of its column that agree is a coincidence, and explains nothing.",
    ]
    return Report([Table(human, rows, "Audit", notes)], Table(flat, rows), rows)


def certainty(finding: Finding) -> str:
    """Write in a few words how many readings give a figure, and how many were tried."""
    coincidences = len(finding.coincidences)
    spoil = f"; {coincidences} give it but spoil other rows" if coincidences else ""
    if finding.reading is None:
        return f"none of {finding.tried}{spoil}"
    more = f", explains {finding.explains} figures" if finding.explains > 1 else ""
    alone = "the only one" if not finding.others else f"1 of {len(finding.others) + 1}"
    return f"{alone} of {finding.tried}{more}{spoil}"


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
    note = f"{matches.found:,} of {matches.searched:,} readings are within the rounding; changes: settings off the defaults."
    data = {"matches": rows, "found": matches.found, "searched": matches.searched}
    return Report([Table(columns, rows, notes=[note])], Table(columns, rows), data)


def _row(finding: Finding) -> str:
    figure = finding.figure
    keys = " ".join(f"{key}={figure.row.cells[key]}" for key in figure.table.keys if figure.row.cells[key])
    return f"{keys} ({figure.column.name})"
