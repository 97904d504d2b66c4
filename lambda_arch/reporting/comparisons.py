"""Report of published tables compared with our counts."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
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
    LongComparisons,
    Verdict,
    in_unit,
)
from lambda_arch.costs.detection import Cost
from lambda_arch.published import Column as Figure
from lambda_arch.reporting.table import Column, Report, Table, billions, millions

MARKS = {AGREES: "✓", TRUNCATED: "✓ cut", ONE_DIGIT: "±1", NOT_BUILDABLE: "-"}
UNITS = {
    "": "",
    "M": "millions",
    "G": "billions",
    "GiB": "gib",
    "%": "percent",
    "images/s": "images_per_s",
    "s": "seconds",
}
"""What a unit is called in the name of a column."""
DETECTOR = ("backbone", "pyramid", "heads")
"""The parts of a detector."""
LATENCY = ("latency_ms", "latency_setup", "latency_device")
LEGEND = (
    "✓ agrees as rounded; ✓ cut: agrees as truncated; ±1: differs by one digit, truncated in a column that rounds; "
    "✗ differs: ours minus theirs; -: not buildable yet. Unmarked: as printed."
)


def comparison_report(compared: Comparison | Comparisons) -> Report:
    """Return compared tables. Flat, one table has its own rows and columns; several have one row per figure."""
    comparisons = [compared] if isinstance(compared, Comparison) else list(compared)
    tables = [_human(comparison) for comparison in comparisons]
    tables[-1] = replace(tables[-1], notes=[*tables[-1].notes, LEGEND])
    tables += [_detectors(comparison) for comparison in comparisons if comparison.table.detector_image_size is not None]
    flat = wide(comparisons[0]) if len(comparisons) == 1 else long(comparisons)
    data = {comparison.table.name: [_as_dict(comparison, row) for row in comparison.rows] for comparison in comparisons}
    return Report(tables, flat, data)


def wide(comparison: Comparison) -> Table:
    """Return a table as printed, with our counts, differences and verdicts in additional columns."""
    names = [*comparison.table.keys, "architecture", "our_params", "our_macs"]
    if comparison.table.detector_image_size is not None:
        names += [f"our_{part}_{what}" for part in DETECTOR for what in Cost._fields]
        if any(row.latency for row in comparison.rows):
            names += LATENCY
    for figure in comparison.table.columns:
        names.append(_with_unit(figure.name, figure))
        if figure.quantity in COMPARABLE:
            names += _compared_names(figure).values()
    rows = []
    for row in comparison.rows:
        cells: dict[str, Any] = {**_keys(comparison, row), **_ours(row)}
        for figure in comparison.table.columns:
            verdict = row.verdicts.get(figure.name)
            if verdict is not None:
                cells[_with_unit(figure.name, figure)] = read_cell(verdict.printed)
                cells |= {name: getattr(verdict, what) or None for what, name in _compared_names(figure).items()}
        rows.append(cells)
    return Table([Column(name) for name in names], rows, comparison.table.title)


def _compared_names(figure: Figure) -> dict[str, str]:
    """Return the columns of our count and the verdict on a figure, by what they hold."""
    ours = f"{figure.name}_ours"
    return {
        "ours": f"{ours}_bytes" if figure.quantity == "map_bytes" else ours,
        "difference": _with_unit(f"{figure.name}_difference", figure),
        "verdict": f"{figure.name}_verdict",
        "reason": f"{figure.name}_reason",
    }


def _with_unit(name: str, figure: Figure) -> str:
    """Return a column's name with the unit of its figures."""
    unit = UNITS[figure.unit]
    return name if not unit or unit in name.split("_") else f"{name}_{unit}"


def _keys(comparison: Comparison, row: ComparedRow) -> dict[str, Any]:
    return {key: read_cell(row.published.cells[key]) for key in comparison.table.keys}


def read_cell(text: str) -> Decimal | str | None:
    """Return a printed cell: its number, with as many digits, another text as it is, and None for no text."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text or None
    return number if number.is_finite() else text


def _ours(row: ComparedRow) -> dict[str, Any]:
    ledger, detector = row.ledger, row.detector
    if ledger is None:
        return {"architecture": None, "our_params": None, "our_macs": None}
    found: dict[str, Any] = {"architecture": ledger.architecture, "our_params": ledger.params, "our_macs": ledger.macs}
    if detector is not None:
        for part in DETECTOR:
            cost: Cost = getattr(detector, part)
            found |= {f"our_{part}_{what}": value for what, value in cost._asdict().items()}
    if row.latency is not None and row.latency.summary is not None:
        device = row.latency.machine.get("device_name")
        found |= dict(zip(LATENCY, (1e3 * row.latency.summary.median, str(row.latency.setup), device), strict=True))
    return found


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


def _detectors(comparison: Comparison) -> Table:
    """Return the costs of the detectors of which the rows are backbones."""
    size = comparison.table.detector_image_size
    columns = [
        *(Column(key, align="left") for key in comparison.table.keys),
        Column("our_backbone_params", "backbone params (M)", show=millions),
        Column("our_backbone_macs", "backbone MACs (G)", show=billions),
        Column("our_pyramid_macs", "FPN MACs (G)", show=billions),
        Column("our_heads_macs", "heads MACs (G)", show=billions),
    ]
    rows = [{**_keys(comparison, row), **_ours(row)} for row in comparison.rows]
    notes = ["Backbone: without its head. FPN and heads: those of torchvision's Mask R-CNN."]
    measured = dict.fromkeys(tuple(row[name] for name in LATENCY[1:]) for row in rows if LATENCY[0] in row)
    if measured:
        columns.append(Column(LATENCY[0], "latency (ms)", show=lambda value: "" if value is None else f"{value:,.1f}"))
        notes += [f"Latency: of the classifier, measured: {setup} on {device}." for setup, device in measured]
    return Table(columns, rows, f"{comparison.table.name}: our costs at {size}x{size}", notes)


def _shown_keys(comparison: Comparison) -> list[str]:
    """Return the keys short enough for a terminal; the CSV has all."""
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
            "printed": read_cell(verdict.printed),
            "unit": figure.unit,
            "ours": verdict.ours,
            "difference": verdict.difference,
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "source": figure.source,
        }
        for figure in comparison.table.columns
        if (verdict := row.verdicts.get(figure.name))
    }
    return {**_keys(comparison, row), **_ours(row), "figures": figures}


LONG = (
    "table", "row", "architecture", "quantity", "figure", "source", "unit", "printed", "ours", "difference", "verdict",
    "reason", "our_count",
)  # fmt: skip
SHOWN_LONG = ("table", "row", "figure", "unit", "printed", "ours", "verdict")
"""The columns that a narrow terminal shows."""


def long_report(comparisons: LongComparisons) -> Report:
    """Return published tables compared, one row per printed figure."""
    flat = long(list(comparisons))
    words = ("table", "row", "architecture", "quantity", "figure", "source", "unit", "verdict", "reason")
    shown = [Column(name, align="left" if name in words else "right", optional=name not in SHOWN_LONG) for name in LONG]
    return Report([Table(shown, flat.rows)], flat)


def long(comparisons: Sequence[Comparison]) -> Table:
    """Return published tables with one row per printed figure; ``printed``, ``ours`` and ``difference`` in its unit."""
    rows = [
        _figure(comparison, row, figure, verdict)
        for comparison in comparisons
        for row in comparison.rows
        for figure in comparison.table.columns
        if (verdict := row.verdicts.get(figure.name)) is not None
    ]
    return Table([Column(name) for name in LONG], rows)


def _figure(comparison: Comparison, row: ComparedRow, figure: Figure, verdict: Verdict) -> dict[str, Any]:
    keys = comparison.table.keys
    return {
        "table": comparison.table.name,
        "row": " ".join(f"{key}={row.published.cells[key]}" for key in keys if row.published.cells[key]),
        "architecture": row.ledger.architecture if row.ledger else None,
        "quantity": figure.quantity,
        "figure": figure.name,
        "source": figure.source,
        "unit": figure.unit,
        "printed": read_cell(verdict.printed),
        "ours": None if verdict.ours is None else in_unit(verdict.ours, figure.unit),
        "difference": verdict.difference,
        "verdict": verdict.verdict,
        "reason": verdict.reason or None,
        "our_count": verdict.ours,
    }
