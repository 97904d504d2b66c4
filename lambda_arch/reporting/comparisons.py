"""Report of published tables with ours beside theirs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lambda_arch.comparing import (
    AGREES,
    COMPARABLE,
    DIFFERS,
    NOT_BUILDABLE,
    ONE_DIGIT,
    TRUNCATED,
    ComparedRow,
    Comparison,
    Comparisons,
    Verdict,
)
from lambda_arch.published import Column as Figure
from lambda_arch.reporting.table import Column, Report, Table, billions, millions

MARKS = {AGREES: "✓", TRUNCATED: "✓ cut", ONE_DIGIT: "±1", NOT_BUILDABLE: "-"}
LEGEND = (
    "✓ agrees as rounded; ✓ cut: agrees as truncated; ±1: differs by one digit, truncated in a column that rounds; "
    "✗ differs: ours minus theirs; -: not buildable yet. Unmarked: as printed."
)


def comparison_report(compared: Comparison | Comparisons) -> Report:
    """Return published tables compared. The flat table is the table itself for one, one row per figure for several."""
    comparisons = [compared] if isinstance(compared, Comparison) else list(compared)
    tables = [_human(comparison) for comparison in comparisons]
    tables[-1] = replace(tables[-1], notes=[*tables[-1].notes, LEGEND])
    flat = wide(comparisons[0]) if len(comparisons) == 1 else _long(comparisons)
    data = {comparison.table.name: [_as_dict(comparison, row) for row in comparison.rows] for comparison in comparisons}
    return Report(tables, flat, data)


def wide(comparison: Comparison) -> Table:
    """Return a comparison as printed, with our counts, differences and verdicts in columns of their own."""
    columns = [Column(key) for key in comparison.table.keys]
    columns += [Column(name) for name in ("architecture", "our_params", "our_macs")]
    for figure in comparison.table.columns:
        columns.append(Column(figure.name))
        if figure.quantity in COMPARABLE:
            columns += [Column(f"{figure.name}_{what}") for what in ("ours", "difference", "verdict", "reason")]
    rows = []
    for row in comparison.rows:
        cells: dict[str, Any] = {**row.published.cells, **_ours(row)}
        for name, verdict in row.verdicts.items():
            cells |= {f"{name}_{what}": getattr(verdict, what) for what in ("ours", "difference", "verdict", "reason")}
        rows.append(cells)
    return Table(columns, rows, comparison.table.title)


def _ours(row: ComparedRow) -> dict[str, Any]:
    ledger = row.ledger
    if ledger is None:
        return {"architecture": None, "our_params": None, "our_macs": None}
    return {"architecture": ledger.architecture, "our_params": ledger.params, "our_macs": ledger.macs}


def _human(comparison: Comparison) -> Table:
    table = comparison.table
    verdicts = [verdict for row in comparison.rows for verdict in row.verdicts.values()]
    reasons = list(dict.fromkeys(verdict.reason for verdict in verdicts if verdict.verdict == DIFFERS))
    columns = [Column(key, align="left" if _is_text(comparison, key) else "right") for key in _shown_keys(comparison)]
    columns += [
        Column("our_params", "our params (M)", show=millions),
        Column("our_macs", "our MACs (G)", show=billions),
    ]
    columns += [Column(figure.name, _heading(figure)) for figure in table.columns]
    rows = [
        {
            **row.published.cells,
            **_ours(row),
            **{figure.name: _cell(row.verdicts.get(figure.name), reasons) for figure in table.columns},
        }
        for row in comparison.rows
    ]
    columns.append(Column("architecture", align="left", optional=True))
    notes = [f"[{i}] {reason}" for i, reason in enumerate(reasons, 1)]
    return Table(columns, rows, f"{table.name}: {table.title}", notes)


def _shown_keys(comparison: Comparison) -> list[str]:
    """Leave out keys too long for a terminal; the CSV has them."""
    return [key for key in comparison.table.keys if max(len(row.published.cells[key]) for row in comparison.rows) <= 60]


def _is_text(comparison: Comparison, key: str) -> bool:
    return any(
        not row.published.cells[key].replace(".", "").isdigit() for row in comparison.rows if row.published.cells[key]
    )


def _heading(figure: Figure) -> str:
    return f"{figure.label} ({figure.unit})" if figure.unit and figure.unit != "%" else figure.label


def _cell(verdict: Verdict | None, reasons: Sequence[str]) -> str:
    if verdict is None:
        return ""
    if verdict.verdict == DIFFERS and verdict.difference is not None:
        return f"{verdict.printed} ✗ {verdict.difference:+.2f} [{reasons.index(verdict.reason) + 1}]"
    return f"{verdict.printed} {MARKS.get(verdict.verdict, '')}".rstrip()


def _as_dict(comparison: Comparison, row: ComparedRow) -> dict[str, Any]:
    figures = {
        figure.name: {
            "printed": verdict.printed,
            "unit": figure.unit,
            "ours": verdict.ours,
            "difference": None if verdict.difference is None else float(verdict.difference),
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "source": figure.source,
        }
        for figure in comparison.table.columns
        if (verdict := row.verdicts.get(figure.name))
    }
    keys = {key: row.published.cells[key] for key in comparison.table.keys}
    return {**keys, **_ours(row), "figures": figures}


def _long(comparisons: Sequence[Comparison]) -> Table:
    names = (
        "table",
        "row",
        "architecture",
        "figure",
        "printed",
        "unit",
        "ours",
        "difference",
        "verdict",
        "reason",
        "source",
    )
    rows = []
    for comparison in comparisons:
        for row in comparison.rows:
            which = " ".join(
                f"{key}={row.published.cells[key]}" for key in comparison.table.keys if row.published.cells[key]
            )
            architecture = row.ledger.architecture if row.ledger else None
            for figure in comparison.table.columns:
                verdict = row.verdicts.get(figure.name)
                if verdict is None:
                    continue
                rows.append(
                    {
                        "table": comparison.table.name,
                        "row": which,
                        "architecture": architecture,
                        "figure": figure.name,
                        "unit": figure.unit,
                        "source": figure.source,
                        **{
                            name: getattr(verdict, name)
                            for name in ("printed", "ours", "difference", "verdict", "reason")
                        },
                    }
                )
    return Table([Column(name) for name in names], rows)
