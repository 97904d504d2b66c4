"""Reports of devices and their peak rates."""

from collections.abc import Mapping
from typing import Any

from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.reporting.timings import gigas
from lambda_arch.timing.machines import Devices

KINDS = ("fp32", "tf32", "bf16", "fp16", "copy")


def devices_report(found: Devices) -> Report:
    """Return one row per device: name, threads, machine, peak rates by kind."""
    rows = [
        {
            "device": device.name,
            **device.machine,
            "threads": device.threads,
            "memory_gb": round(device.machine["memory"] / 1e9),
            **{kind: device.peaks.get(kind) for kind in KINDS},
        }
        for device in found.devices
    ]
    present = [kind for kind in KINDS if any(row[kind] for row in rows)]
    columns = [
        Column("device", align="left"),
        Column("device_name", "name", "left"),
        Column("memory_gb", "GB"),
        *(Column(kind, f"{kind} {'GB/s' if kind == 'copy' else 'GFLOP/s'}", show=gigas) for kind in present),
        Column("threads"),
        Column("fingerprint", align="left", optional=True),
    ]
    notes = [
        "Peaks: the best matrix product of each dtype; a copy's bytes, read and written. Measured once, then kept "
        "(`lambda-arch devices --fresh` measures again; the highest counts).",
        *(f"{row['device']}: {_versions(row)}" for row in rows),
    ]
    flat = Table([Column(name) for name in (rows[0] if rows else {"device": ""})], rows)
    return Report([Table(columns, rows, notes=notes)], flat, rows)


def _versions(row: Mapping[str, Any]) -> str:
    named = {name: row.get(name) for name in ("driver", "cuda", "cudnn", "torch", "python")}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value)
