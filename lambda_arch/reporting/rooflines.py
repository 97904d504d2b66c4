"""Reports of rooflines."""

from typing import Any

from lambda_arch.reporting.table import Column, Report, Table, percent
from lambda_arch.reporting.timings import gigas, significant
from lambda_arch.timing.rooflines import NetworkRoofline, Rooflines, StageRoofline

NOTE = (
    "Compute-bound or memory-bound: which takes longer at the device's measured peak rates. % of roofline: that time "
    "over the measured one. Bytes: outputs written and read once, parameters read once."
)
TRAINING = (
    "In training also: outputs and parameters read once more, gradients of outputs written and read, those of "
    "parameters written."
)


def roofline_report(rooflines: Rooflines) -> Report:
    """Return one table per network, one row per stage."""
    tables, flat = [], []
    for network in rooflines.networks:
        training = network.setup.mode == "train"
        rows = [_row(network, stage) for stage in network.stages]
        columns = [
            Column("part", "", "left"),
            Column("ms", show=significant),
            Column("flop_rate", "GFLOP/s", show=gigas),
            Column("byte_rate", "GB/s", show=gigas),
            Column("intensity", "FLOP/byte", show=significant),
            Column("bound", align="left"),
            Column("share_of_roof", "% of roofline", show=percent),
        ]
        notes = [NOTE, TRAINING] if training else [NOTE]
        tables.append(Table(columns, rows, f"{network.architecture}: {network.setup}", notes))
        flat += rows
    names = list(flat[0]) if flat else []
    return Report(tables, Table([Column(name) for name in names], flat), flat)


def _row(network: NetworkRoofline, stage: StageRoofline) -> dict[str, Any]:
    return {
        "architecture": str(network.architecture),
        **network.setup.columns,
        "part": stage.stage,
        "ms": stage.seconds * 1e3,
        "flops": stage.flops,
        "bytes": stage.bytes,
        "flop_rate": stage.flops / stage.seconds,
        "byte_rate": stage.bytes / stage.seconds,
        "intensity": stage.flops / stage.bytes,
        "bound": stage.bound,
        "share_of_roof": stage.share,
    }
