"""Reports of measurements: medians with their spread, throughput, memory, ratios to a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambda_arch.reporting.table import Column, Report, Table, percent
from lambda_arch.store import Measurement, Summary

MACHINE = ("device_name", "driver", "cuda", "cudnn", "torch", "package", "host_cpu", "host_cores", "system", "python")


@dataclass(frozen=True)
class Timing:
    """A measurement to show, with what it is compared with.

    ``ratio``: our latency over the baseline's, round by round. ``ceiling``: the device's own FLOP/s in this dtype.
    """

    measurement: Measurement
    baseline: str = ""
    ratio: Summary | None = None
    ceiling: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything, flat: seconds in milliseconds, memory in bytes."""
        m, s = self.measurement, self.measurement.summary
        return {
            "architecture": m.architecture,
            "image_size": m.value.image_size,
            **m.setup.columns,
            "auto": m.auto,
            "status": m.status,
            "median_ms": s and s.median * 1e3,
            "q1_ms": s and s.q1 * 1e3,
            "q3_ms": s and s.q3 * 1e3,
            "spread": s and s.spread,
            "samples": len(m.samples),
            "rounds": len(m.rounds),
            "images_per_second": m.throughput,
            "peak_memory": m.peak_memory,
            "flop_rate": m.flop_rate,
            "share_of_ceiling": m.flop_rate / self.ceiling if m.flop_rate and self.ceiling else None,
            "joules_per_image": m.energy,
            "baseline": self.baseline or None,
            "ratio": self.ratio and self.ratio.median,
            "ratio_q1": self.ratio and self.ratio.q1,
            "ratio_q3": self.ratio and self.ratio.q3,
            "warnings": "; ".join(m.warnings),
            "started": m.started,
            **{name: m.machine.get(name) for name in MACHINE},
            "fingerprint": m.fingerprint,
            "uid": m.uid,
        }


def timings_report(timings: Sequence[Timing], title: str = "", notes: Sequence[str] = ()) -> Report:
    """Return measurements, a row each; what all share is said once, in the title."""
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
        columns.append(Column("share_of_ceiling", "of ceiling", show=percent))
    if any(row["joules_per_image"] for row in rows):
        columns.append(Column("joules_per_image", "J/image", show=significant))
    baselines = {timing.baseline for timing in timings if timing.baseline}
    if baselines:
        columns.append(Column("ratio_text", "latency ratio"))
    if any(row["marks"] for row in rows):
        columns.append(Column("marks", "note", align="left"))
    lines = [f"Latency ratio: over {name}, round by round, with its IQR." for name in sorted(baselines)]
    lines += _warning_lines(timings)
    flat = _flat(timings)
    table = Table(columns, rows, title or shared, [*lines, *notes])
    return Report([table], flat, [dict(row) for row in flat.rows])


def results_report(timings: Sequence[Timing]) -> Report:
    """Return what the store has: tables by setup and device for a person, one flat table for a program."""
    by_setup: dict[tuple[str, str], list[Timing]] = {}
    for timing in timings:
        m = timing.measurement
        by_setup.setdefault((m.fingerprint, str(m.setup)), []).append(timing)
    tables = [timings_report(group).tables[0] for group in by_setup.values()]
    flat = _flat(timings)
    none = Table(
        [Column("architecture", align="left")], [], "Nothing measured of that kind", ["`lambda-arch time` does that."]
    )
    return Report(tables or [none], flat, [dict(row) for row in flat.rows])


def _row(timing: Timing) -> dict[str, Any]:
    row = timing.as_dict()
    summary, ratio = timing.measurement.summary, timing.ratio
    row["iqr"] = f"{significant(summary.q1 * 1e3)}-{significant(summary.q3 * 1e3)}" if summary else ""
    row["ratio_text"] = f"{ratio.median:.2f} ({ratio.q1:.2f}-{ratio.q3:.2f})" if ratio else ""
    row["marks"] = {"ok": "", "running": "unfinished"}.get(row["status"], f"✗ {row['status']}")
    if row["status"] == "ok" and row["warnings"]:
        row["marks"] = "!"
    if row["auto"]:
        row["marks"] = f"{row['marks']} largest batch".strip()
    return row


def _setups(timings: Sequence[Timing]) -> tuple[str, list[str]]:
    """Return a title with what all setups share, and the names of the settings in which they differ."""
    setups = [timing.measurement.setup for timing in timings]
    if not setups:
        return "", []
    columns = [setup.columns for setup in setups]
    differ = [name for name in columns[0] if len({each[name] for each in columns}) > 1]
    names = {timing.measurement.machine.get("device_name", "") for timing in timings}
    where = names.pop() if len(names) == 1 else "several devices"
    if not differ:
        return f"{where}: {setups[0]}", []
    told = ("device", "dtype", "mode", "threads")
    same = [f"{name} {columns[0][name]}" for name in told if name not in differ]
    return f"{where}: {', '.join(same)}", differ


def _warning_lines(timings: Sequence[Timing]) -> list[str]:
    by_text: dict[str, list[str]] = {}
    for timing in timings:
        for text in timing.measurement.warnings:
            by_text.setdefault(text, []).append(timing.measurement.architecture)
    every = len(timings)
    return [
        f"! {text}{'' if len(names) == every and every > 1 else f': {names[0]}' if every > 1 else ''}"
        + (f" and {len(names) - 1} more" if 1 < len(names) < every else "")
        for text, names in by_text.items()
    ]


def _flat(timings: Sequence[Timing]) -> Table:
    rows: list[Mapping[str, Any]] = [timing.as_dict() for timing in timings]
    names = list(rows[0]) if rows else ["architecture", "device", "batch", "median_ms"]
    return Table([Column(name) for name in names], rows)


def significant(value: float | None) -> str:
    """Write a figure with three significant digits, thousands apart."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def megabytes(value: int | None) -> str:
    """Write bytes in units of 10^6."""
    return "" if value is None else f"{value / 1e6:,.0f}"


def gigas(value: float | None) -> str:
    """Write a rate in units of 10^9."""
    return "" if value is None else significant(value / 1e9)
