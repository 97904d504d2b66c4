"""Tables of the published figures of one architecture."""

from lambda_arch.arch import Architecture
from lambda_arch.comparing import ONE_DIGIT, Verdict, published_figures
from lambda_arch.reporting.table import Column, Table


def published_table(architecture: Architecture, quantity: str) -> Table | None:
    """Return the printed figures of an architecture (``params`` or ``macs``) with verdicts; None if there are none."""
    figures = published_figures(architecture, quantity)
    if not figures:
        return None
    rows = [
        {
            "source": column.label,
            "table": table.name,
            "printed": f"{verdict.printed} {column.unit}",
            "verdict": _in_words(verdict, column.unit),
        }
        for table, column, verdict in figures
    ]
    columns = [
        Column("source", "published", "left"),
        Column("table", align="left"),
        Column("printed"),
        Column("verdict", align="left"),
    ]
    notes = sorted({f"{table.name}: {verdict.reason}" for table, _, verdict in figures if verdict.reason})
    return Table(columns, rows, notes=notes)


def _in_words(verdict: Verdict, unit: str) -> str:
    if verdict.difference is None:
        return verdict.verdict
    if verdict.verdict == ONE_DIGIT:
        return f"±1 {ONE_DIGIT}"
    return f"✗ {verdict.verdict}: ours {verdict.difference:+.2f} {unit}".rstrip()
