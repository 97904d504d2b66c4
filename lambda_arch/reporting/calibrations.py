"""Reports of calibrated blocks, and of predicted latencies."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.reporting.timings import significant
from lambda_arch.timing.calibration import Calibration
from lambda_arch.timing.prediction import Prediction, Predictions

WARNINGS = 4  # lines at most


def calibration_report(calibration: Calibration) -> Report:
    """Return one row per part: its latency with quartiles, and the number of samples."""
    rows: list[dict[str, Any]] = []
    for key, label in calibration.parts.items():
        found = calibration.latencies.by_key.get(key)
        rows.append(
            {
                "part": label,
                "ms": found and found.median * 1e3,
                "q1_ms": found and found.q1 * 1e3,
                "q3_ms": found and found.q3 * 1e3,
                "samples": found.samples if found else 0,
                "warnings": "; ".join(calibration.latencies.warnings.get(key, ())),
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
    notes = [f"{done} of {len(rows)} parts calibrated; `lambda-arch predict` adds them up."]
    doubtful = sum(bool(row["warnings"]) for row in rows)
    if doubtful:
        columns.append(Column("warnings", "note", "left", show=lambda text: "!" if text else ""))
        notes.append(f"! {doubtful} of {done} parts are not sound: {_most_common(calibration)}")
        notes.append("Expected a quiet machine, or more seconds; the same command measures them again.")
    return Report(
        [Table(columns, rows, f"Blocks: {calibration.latencies.setup}", notes)],
        Table([Column(name) for name in rows[0]], rows),
        rows,
    )


def _most_common(calibration: Calibration) -> str:
    """Return the most common warnings of a calibration's parts, one of each kind."""
    texts = [text for key in calibration.parts for text in calibration.latencies.warnings.get(key, ())]
    kinds: dict[str, list[str]] = {}
    for text in texts:
        kinds.setdefault(text.partition(":")[0], []).append(text)
    found = sorted(kinds.values(), key=len, reverse=True)[:WARNINGS]
    return "; ".join(Counter(each).most_common(1)[0][0] for each in found)


def prediction_report(found: Predictions) -> Report:
    """Return one row per network: its predicted latency, and its measured latency with the error if it was measured."""
    rows = [_row(prediction) for prediction in found.predictions]
    columns = [
        Column("architecture", align="left"),
        Column("predicted_ms", "predicted ms", show=significant),
        Column("interval", "interval"),
    ]
    if any(row["measured_ms"] for row in rows):
        columns += [
            Column("measured_ms", "measured ms", show=significant),
            Column("error", show=lambda value: "" if value is None else f"{value:+.1%}"),
        ]
    notes = ["Predicted: the sum of calibrated blocks; interval: all of them at their quartiles at once."]
    notes += doubt_lines(doubts_of(found.predictions))
    summary = error_line([row["error"] for row in rows if row["error"] is not None])
    notes += [summary] if summary else []
    notes += [
        f"! {text}"
        for text in dict.fromkeys(w for p in found.predictions if p.measurement for w in p.measurement.warnings)
    ][:WARNINGS]
    flat = (
        Table([Column(name) for name in rows[0] if name != "interval"], rows)
        if rows
        else Table([Column("architecture")], [])
    )
    return Report([Table(columns, rows, f"Predicted latency: {found.setup}", notes)], flat, [dict(row) for row in rows])


def doubts_of(predictions: Sequence[Prediction]) -> dict[str, tuple[str, ...]]:
    """Return the warnings about the parts of the predicted networks, by readable name."""
    return {part: warnings for each in predictions for part, warnings in each.warnings.items()}


def doubt_lines(doubts: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line that says which calibrated parts are not sound, where there are any."""
    if not doubts:
        return []
    part, warnings = max(doubts.items(), key=lambda each: len(each[1]))
    number = f"{len(doubts)} calibrated parts are" if len(doubts) > 1 else "a calibrated part is"
    return [f"! {number} not sound, such as {part} ({'; '.join(warnings)}); `lambda-arch calibrate` measures again"]


def error_line(errors: Sequence[float]) -> str:
    """Return one line with the median and largest absolute error, and the bias."""
    if not errors:
        return ""
    sizes = [abs(error) for error in errors]
    return (
        f"Error over {len(errors)} networks: median {statistics.median(sizes):.1%}, largest {max(sizes):.1%}; "
        f"bias {statistics.median(errors):+.1%}."
    )


def _row(prediction: Prediction) -> dict[str, Any]:
    summary = prediction.measurement and prediction.measurement.summary
    return {
        "architecture": str(prediction.architecture),
        "predicted_ms": prediction.seconds * 1e3,
        "interval": _interval(prediction),
        "low_ms": prediction.interval and prediction.interval[0] * 1e3,
        "high_ms": prediction.interval and prediction.interval[1] * 1e3,
        "measured_ms": summary and summary.median * 1e3,
        "error": prediction.error,
        "warnings": "; ".join(f"{part}: {', '.join(texts)}" for part, texts in prediction.warnings.items()),
    }


def _interval(prediction: Prediction) -> str:
    if prediction.interval is None:
        return ""
    low, high = prediction.interval
    return f"{significant(low * 1e3)}-{significant(high * 1e3)}"
