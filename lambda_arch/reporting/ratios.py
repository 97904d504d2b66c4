"""Reports of measured tables: our ratios to the baseline next to the paper's."""

from typing import Any

from lambda_arch.comparing.speeds import TableTimings, table_rows
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.reporting.timings import significant, stored_lines

WARNINGS = 4  # lines at most


def table_timings_report(found: TableTimings) -> Report:
    """Return one row per published row: our latency and its ratio to the baseline, with the paper's ratio."""
    table = found.table
    rows: list[dict[str, Any]] = []
    for row, (_, timing) in zip(table_rows(found), found.rows, strict=True):
        ratio = timing.ratio
        text = f"{ratio.median:.2f} ({ratio.q1:.2f}-{ratio.q3:.2f})" if ratio else str(timing.measurement.status)
        rows.append({**row, "ratio_text": text, "mark": "stored" if timing.stored else ""})
    columns = [
        *(Column(name, name.replace("_", " "), "left") for name in table.key_names),
        Column("median_ms", "our ms", show=significant),
        Column("ratio_text", "our time ratio"),
        Column("paper_ratio", "paper's", show=lambda value: "" if value is None else f"{value:.2f}"),
        Column("paper", table.label),
    ]
    if any(row["mark"] for row in rows):
        columns.append(Column("mark", "note", "left"))
    notes = ["Time ratio: to the baseline row, larger is slower; ours round by round, with its IQR."]
    if table.not_buildable:
        notes.append(f"Not buildable yet: {'; '.join(table.not_buildable)}.")
    measured = [timing.measurement for _, timing in found.rows]
    notes += [f"! {text}" for text in dict.fromkeys(w for m in measured for w in m.warnings)][:WARNINGS]
    notes += stored_lines([timing for _, timing in found.rows])
    title = f"{table.title}: {measured[0].machine['device_name']}, {measured[0].setup}" if measured else table.title
    flat_names = [name for name in (rows[0] if rows else {}) if name not in ("ratio_text", "mark")]
    return Report([Table(columns, rows, title, notes)], Table([Column(n) for n in flat_names], rows), rows)
