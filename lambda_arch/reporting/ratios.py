"""Reports of published tables measured: our ratios to the baseline beside the paper's."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_arch.comparing.speeds import TimedTable
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.reporting.timings import Timing, significant
from lambda_arch.store import Measurement


def measured_report(
    table: TimedTable, found: Sequence[Measurement], bases: Mapping[tuple[str, str], Measurement | None]
) -> Report:
    """Return a row a published row: our latency and its ratio to the baseline, beside the paper's ratio.

    ``bases``: by a measurement's uid and the baseline's name, the baseline measured in the same session.
    """
    by_name = {measurement.architecture: measurement for measurement in found}
    rows = []
    for row in table.rows:
        ours = by_name.get(str(row.architecture))
        if ours is None:
            continue
        base = bases.get((ours.uid, str(row.baseline)))
        ratio = ours.ratio_to(base) if base is not None else None
        timing = Timing(ours, str(row.baseline), ratio).as_dict()
        text = f"{ratio.median:.2f} ({ratio.q1:.2f}-{ratio.q3:.2f})" if ratio else ours.status
        rows.append(
            {
                **dict(zip(table.key_names, row.keys, strict=True)),
                "paper": row.printed or None,
                "paper_ratio": row.paper,
                "ratio_text": text,
                **timing,
            }
        )
    columns = [
        *(Column(name, name.replace("_", " "), "left") for name in table.key_names),
        Column("median_ms", "our ms", show=significant),
        Column("ratio_text", "our time ratio"),
        Column("paper_ratio", "paper's", show=lambda value: "" if value is None else f"{value:.2f}"),
        Column("paper", table.label),
    ]
    notes = ["Time ratio: to the baseline row, larger is slower; ours round by round, with its IQR."]
    if table.not_buildable:
        notes.append(f"Not buildable yet: {'; '.join(table.not_buildable)}.")
    notes += [f"! {text}" for text in dict.fromkeys(w for m in found for w in m.warnings)][:4]
    title = f"{table.title}: {found[0].machine['device_name']}, {found[0].setup}" if found else table.title
    flat_names = [name for name in (rows[0] if rows else {}) if name != "ratio_text"]
    flat: list[dict[str, Any]] = rows
    return Report([Table(columns, rows, title, notes)], Table([Column(n) for n in flat_names], flat), flat)
