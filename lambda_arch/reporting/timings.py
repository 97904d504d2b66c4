"""Reports of measurements: medians and interquartile ranges, throughput, memory, ratios to a baseline."""

from collections.abc import Sequence
from typing import Any

from lambda_arch.reporting.table import Column, Report, Table, percent
from lambda_arch.store.measurements import Measurement
from lambda_arch.timing.measuring import COLUMNS, Measurements, Timing

NO_PEAK = "`lambda-arch devices` measures the peak rates to compare with."

MARKS = {"ok": "", "running": "unfinished", "beside": "✗ oom, co-resident"}
"""What a status is called in tables, where that is not its text."""


def measurements_report(measurements: Measurements) -> Report:
    """Return one row per network."""
    known = any(timing.peak for timing in measurements)
    return timings_report(measurements.timings, notes=[] if known else [NO_PEAK])


def timings_report(timings: Sequence[Timing], notes: Sequence[str] = ()) -> Report:
    """Return one row per measurement; settings that all share are in the title."""
    rows = [_row(timing) for timing in timings]
    shared, own = _setups(timings)
    columns = [
        Column("architecture", align="left"),
        *(Column(name, label=name.replace("_", " ")) for name in own),
        Column("median_ms", "median ms", show=significant),
        Column("iqr", "IQR ms"),
        Column("images_per_second", "images/s", show=significant),
        Column("peak_memory", "peak MB", show=megabytes),
        Column("flop_rate", "GFLOP/s", show=gigas, optional=True),
    ]
    if any(row["share_of_ceiling"] for row in rows):
        columns.append(Column("share_of_ceiling", "% of peak", show=percent))
    if any(row["joules_per_image"] for row in rows):
        columns.append(Column("joules_per_image", "J/image", show=significant))
    baselines = {timing.baseline for timing in timings if timing.baseline}
    if baselines:
        columns.append(Column("ratio_text", "latency ratio"))
    if any(row["marks"] for row in rows):
        columns.append(Column("marks", "note", align="left"))
    lines = [f"Latency ratio: over {name}, round by round, with its IQR." for name in sorted(baselines)]
    lines += _warning_lines(timings, own) + stored_lines(timings)
    flat = _flat(timings)
    table = Table(columns, rows, shared, [*lines, *notes])
    return Report([table], flat, [dict(row) for row in flat.rows])


def results_report(timings: Sequence[Timing]) -> Report:
    """Return stored measurements: one table per setup and device for people, one flat table for programs."""
    by_setup: dict[tuple[str, str], list[Timing]] = {}
    for timing in timings:
        m = timing.measurement
        by_setup.setdefault((m.fingerprint, str(m.setup)), []).append(timing)
    tables = [timings_report(group).tables[0] for group in by_setup.values()]
    flat = _flat(timings)
    none = Table(
        [Column("architecture", align="left")], [], "No such measurements", ["`lambda-arch time` measures networks."]
    )
    return Report(tables or [none], flat, [dict(row) for row in flat.rows])


def _row(timing: Timing) -> dict[str, Any]:
    row = timing.as_dict()
    summary, ratio = timing.measurement.summary, timing.ratio
    row["iqr"] = f"{significant(summary.q1 * 1e3)}-{significant(summary.q3 * 1e3)}" if summary else ""
    row["ratio_text"] = f"{ratio.median:.2f} ({ratio.q1:.2f}-{ratio.q3:.2f})" if ratio else ""
    row["marks"] = MARKS.get(row["status"], f"✗ {row['status']}")
    if row["status"] == "ok" and row["warnings"]:
        row["marks"] = "!"
    if timing.stored:
        row["marks"] = f"{row['marks']} stored".strip()
    if row["auto"]:
        row["marks"] = f"{row['marks']} largest batch".strip()
    return row


def stored_lines(timings: Sequence[Timing]) -> list[str]:
    """Return a line per session of what was not measured now, and one where sessions differ."""
    by_session: dict[str, list[Measurement]] = {}
    for timing in timings:
        if timing.stored:
            by_session.setdefault(timing.measurement.session, []).append(timing.measurement)
    lines = []
    for session, found in by_session.items():
        samples = sorted(len(m.samples) for m in found)
        number = f"{samples[0]}" if samples[0] == samples[-1] else f"{samples[0]} to {samples[-1]}"
        what = found[0].architecture if len(found) == 1 else f"{len(found)} rows"
        day = found[0].started[:16].replace("T", " ")
        lines.append(f"stored: {what}, measured {day}, {number} samples, session {session[:8]}")
    if lines and len({timing.measurement.session for timing in timings}) > 1:
        lines.append("Rows of different sessions were not measured in interleaved rounds.")
    return lines


def _setups(timings: Sequence[Timing]) -> tuple[str, list[str]]:
    """Return a title with the settings that all setups share, and the names of those in which they differ."""
    setups = [timing.measurement.setup for timing in timings]
    if not setups:
        return "", []
    columns = [setup.columns for setup in setups]
    differ = [name for name in columns[0] if len({each[name] for each in columns}) > 1 and name != "runtime_version"]
    names = {timing.measurement.machine.get("device_name", "") for timing in timings}
    where = names.pop() if len(names) == 1 else "several devices"
    if not differ:
        return f"{where}: {setups[0]}", []
    words = [str(setup).split(", ") for setup in setups]
    same = [word for word in words[0] if all(word in others for others in words)]
    return f"{where}: {', '.join(same)}", differ


def _warning_lines(timings: Sequence[Timing], own: Sequence[str]) -> list[str]:
    """Return a line per warning, with the network that it concerns and its ``own`` settings."""
    by_text: dict[str, list[str]] = {}
    for timing in timings:
        m = timing.measurement
        settings = [f"{name.replace('_', ' ')} {m.setup.columns[name]}" for name in own]
        for text in m.warnings:
            by_text.setdefault(text, []).append(", ".join([m.architecture, *settings]))
    every = len(timings)
    return [
        f"! {text}{'' if len(names) == every and every > 1 else f': {names[0]}' if every > 1 else ''}"
        + (f" and {len(names) - 1} more" if 1 < len(names) < every else "")
        for text, names in by_text.items()
    ]


def _flat(timings: Sequence[Timing]) -> Table:
    return Table([Column(name) for name in COLUMNS], [timing.as_dict() for timing in timings])


def significant(value: float | None) -> str:
    """Write a figure with three significant digits and thousands separated."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def megabytes(value: int | None) -> str:
    """Write bytes in MB (10^6)."""
    return "" if value is None else f"{value / 1e6:,.0f}"


def gigas(value: float | None) -> str:
    """Write a rate in units of 10^9 per second."""
    return "" if value is None else significant(value / 1e9)
