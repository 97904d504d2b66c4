"""Reports of memory: a step's bytes by kind, and by module."""

from collections.abc import Sequence
from typing import Any

from lambda_arch.costs.footprint import Footprint
from lambda_arch.reporting.table import Column, Report, Table, millions

KINDS = {
    "parameters": "parameters",
    "buffers": "running statistics",
    "gradients": "gradients of parameters",
    "optimizer_state": "optimizer's state",
    "inputs": "images and labels",
    "saved": "saved for backward",
    "temporaries": "temporaries",
}
SHORT = {
    "buffers": "buffers",
    "gradients": "gradients",
    "optimizer_state": "optimizer",
    "inputs": "images",
    "saved": "saved",
}
"""Labels where architectures are side by side."""
MAIN = {"inference": ("parameters", "temporaries"), "train": ("parameters", "optimizer_state", "saved")}
"""Kinds that are shown side by side on a narrow terminal too."""
SETTINGS = (
    "architecture",
    "image_size",
    "batch_size",
    "mode",
    "dtype",
    "evaluation",
    "device",
    "optimizer",
    "recompute",
)
NOTE = (
    "Bytes that torch asks its allocator for: without the workspace of kernels, what an allocator rounds up or keeps, "
    "and a GPU's context."
)
UPDATE = "The peak is the optimizer's step, whose temporaries are an upper bound."


def footprint_report(footprint: Footprint) -> Report:
    """Return one row per kind of memory."""
    return footprints_report([footprint])


def footprints_report(footprints: Sequence[Footprint]) -> Report:
    """Return a table by kind of one architecture, or one row for each of several; one flat row each."""
    rows = [_row(each) for each in footprints]
    flat = Table([Column(name) for name in rows[0]] if rows else [], rows)
    if len(footprints) == 1:
        return Report([_by_kind(footprints[0])], flat, rows[0])
    return Report([_side_by_side(footprints, rows)] if rows else [], flat, rows)


def modules_report(footprint: Footprint) -> Report:
    """Return one row per module, and the total."""
    names = ("parameters", "buffers", "gradients", "optimizer_state", "saved")
    rows = [each._asdict() for each in footprint.rows]
    total = {"path": "total", **{name: sum(row[name] for row in rows) for name in names}}
    human = [
        Column("path", "module", "left"),
        *(Column(name, f"{name.replace('_', ' ')} MB", show=millions) for name in names if total[name]),
    ]
    table = Table(human, [*rows, total], _title(footprint), [NOTE], total=True)
    flat = [Column(name) for name in ("path", *names)]
    return Report([table], Table(flat, rows), {**_row(footprint), "rows": rows})


def _row(footprint: Footprint) -> dict[str, Any]:
    return {
        **{name: getattr(footprint, name) for name in SETTINGS},
        **{name: getattr(footprint, name) for name in ("parameters", "buffers", "gradients", "optimizer_state")},
        **{name: getattr(footprint, name) for name in ("inputs", "saved")},
        "temporaries_at_peak": footprint.at_peak["temporaries"],
        "gradients_at_peak": footprint.at_peak["gradients"],
        "saved_at_peak": footprint.at_peak["saved"],
        "peak": footprint.peak,
    }


def _by_kind(footprint: Footprint) -> Table:
    training = footprint.mode == "train"
    rows: list[dict[str, Any]] = []
    for kind, label in KINDS.items():
        at_peak = footprint.at_peak[kind]
        in_all = getattr(footprint, kind, None)
        if at_peak or in_all:
            rows.append({"kind": label, "in_all": in_all, "at_peak": at_peak, "share": at_peak / footprint.peak})
    rows.append({"kind": "peak", "in_all": None, "at_peak": footprint.peak, "share": 1.0})
    columns = [Column("kind", "", "left"), *([Column("in_all", "MB", show=_mega)] if training else [])]
    columns += [Column("at_peak", "MB at the peak", show=_mega), Column("share", show=lambda value: f"{value:.1%}")]
    update = training and not footprint.at_peak["saved"]
    return Table(columns, rows, _title(footprint), [NOTE, *([UPDATE] if update else [])], total=True)


def _side_by_side(footprints: Sequence[Footprint], rows: Sequence[dict[str, Any]]) -> Table:
    """Return one row per architecture: what of each kind is alive at the peak, where there is any of it."""
    shown = [
        {**row, **{f"{kind}_now": each.at_peak[kind] for kind in KINDS}}
        for row, each in zip(rows, footprints, strict=True)
    ]
    columns = [Column("architecture", align="left"), Column("image_size", "image"), Column("batch_size", "batch")]
    columns += [
        Column(f"{kind}_now", SHORT.get(kind, label), show=_mega, optional=kind not in MAIN[footprints[0].mode])
        for kind, label in KINDS.items()
        if any(row[f"{kind}_now"] for row in shown)
    ]
    columns.append(Column("peak", show=_mega))
    return Table(columns, shown, f"MB at the peak of a step: {_setting(footprints[0])}", [NOTE])


def _title(footprint: Footprint) -> str:
    name = footprint.architecture.partition("@")[0]
    return f"{name} at {footprint.image_size}x{footprint.image_size}: {_setting(footprint, batch=True)}"


def _setting(footprint: Footprint, *, batch: bool = False) -> str:
    words = [footprint.mode, *([f"batch {footprint.batch_size}"] if batch else []), footprint.dtype, footprint.device]
    words += [footprint.optimizer] if footprint.optimizer else []
    words += ["blocks recomputed"] if footprint.recompute else []
    words += [footprint.evaluation] if footprint.evaluation != "canonical" else []
    return ", ".join(words)


def _mega(value: int | None) -> str:
    return "" if value is None else f"{value / 1e6:,.1f}"
