"""Reports of calibrated blocks, and of predictions beside measurements."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lambda_arch.arch import ArchitectureError, ResNet
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.reporting.timings import significant
from lambda_arch.store import Measurement, Setup
from lambda_arch.timing.blocks import BlockLatencies, Part

Predictions = Sequence[tuple[ResNet, float, Measurement | None]]


def calibration_report(wanted: Sequence[Part], latencies: BlockLatencies) -> Report:
    """Return a row a part: its latency with quartiles, and how many samples that rests on."""
    rows: list[dict[str, Any]] = []
    for part in wanted:
        found = latencies.by_key.get(part.key)
        rows.append(
            {
                "part": part.label,
                "ms": found and found.median * 1e3,
                "q1_ms": found and found.q1 * 1e3,
                "q3_ms": found and found.q3 * 1e3,
                "samples": found.samples if found else 0,
            }
        )
    columns = [
        Column("part", align="left"),
        Column("ms", show=significant),
        Column("q1_ms", "q1", show=significant),
        Column("q3_ms", "q3", show=significant),
        Column("samples"),
    ]
    done = sum(row["samples"] > 0 for row in rows)
    note = f"{done} of {len(rows)} parts calibrated; `lambda-arch predict` adds them up."
    return Report(
        [Table(columns, rows, f"Blocks: {latencies.setup}", [note])],
        Table([Column(name) for name in rows[0]], rows),
        rows,
    )


def prediction_report(predictions: Predictions, setup: Setup) -> Report:
    """Return a row a network: predicted, and measured with the error where it was."""
    rows = [_row(*prediction) for prediction in predictions]
    columns = [Column("architecture", align="left"), Column("predicted_ms", "predicted ms", show=significant)]
    if any(row["measured_ms"] for row in rows):
        columns += [
            Column("measured_ms", "measured ms", show=significant),
            Column("error", show=lambda value: "" if value is None else f"{value:+.1%}"),
        ]
    notes = ["Predicted: the sum of calibrated blocks."]
    summary = error_line([row["error"] for row in rows if row["error"] is not None])
    notes += [summary] if summary else []
    notes += [f"! {text}" for text in dict.fromkeys(w for _, _, m in predictions if m for w in m.warnings)][:4]
    flat = Table([Column(name) for name in rows[0]], rows) if rows else Table([Column("architecture")], [])
    return Report([Table(columns, rows, f"Predicted latency: {setup}", notes)], flat, rows)


def error_line(errors: Sequence[float]) -> str:
    """Return the errors in a line: median and largest absolute error, and the bias."""
    if not errors:
        return ""
    sizes = [abs(error) for error in errors]
    return (
        f"Error over {len(errors)} networks: median {statistics.median(sizes):.1%}, largest {max(sizes):.1%}; "
        f"bias {statistics.median(errors):+.1%}."
    )


def _row(network: ResNet, predicted: float, measurement: Measurement | None) -> dict[str, Any]:
    measured = measurement.summary.median if measurement and measurement.summary else None
    return {
        "architecture": str(network),
        "predicted_ms": predicted * 1e3,
        "measured_ms": measured and measured * 1e3,
        "error": predicted / measured - 1 if measured else None,
    }


def write_plot(path: Path, predictions: Predictions, setup: Setup) -> None:
    """Plot predicted against measured latency, with the measurements' quartiles, to ``path``.

    Raises :class:`ArchitectureError` where matplotlib cannot write such a file.
    """
    from matplotlib.figure import Figure

    found = [(predicted, m) for _, predicted, m in predictions if m is not None and m.summary is not None]
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    measured = [m.summary.median * 1e3 for _, m in found if m.summary]
    predicted = [seconds * 1e3 for seconds, _ in found]
    low = [(m.summary.median - m.summary.q1) * 1e3 for _, m in found if m.summary]
    high = [(m.summary.q3 - m.summary.median) * 1e3 for _, m in found if m.summary]
    axes.errorbar(measured, predicted, xerr=[low, high], fmt="o", markersize=4, elinewidth=0.8, color="C0")
    ends = [min([*measured, *predicted]) * 0.95, max([*measured, *predicted]) * 1.05] if found else [0, 1]
    axes.plot(ends, ends, color="grey", linewidth=0.8)
    axes.set(xlabel="measured ms (bars: interquartile range)", ylabel="predicted ms, the sum of blocks")
    axes.set_title(str(setup), fontsize=9)
    errors = [p / m - 1 for p, m in zip(predicted, measured, strict=True)]
    axes.text(0.02, 0.98, error_line(errors), transform=axes.transAxes, va="top", wrap=True, fontsize=8)
    try:
        figure.savefig(path)
    except ValueError:
        raise ArchitectureError(f"{path}: expected a name that ends in .svg, .png or .pdf") from None
