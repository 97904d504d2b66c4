"""Reports of rooflines."""

from collections.abc import Sequence
from typing import Any

from lambda_arch.arch import Architecture
from lambda_arch.reporting.table import Column, Report, Table, percent
from lambda_arch.reporting.timings import gigas, significant
from lambda_arch.store import Setup
from lambda_arch.timing.roofline import PartRoof

NOTE = (
    "Bound: what takes longer at the device's measured ceilings. Of roof: how much of the measured time that accounts "
    "for. Bytes: outputs written and read once, parameters read once."
)


def roofline_report(found: Sequence[tuple[Setup, Architecture, Sequence[PartRoof]]]) -> Report:
    """Return a table a network, a row a part."""
    tables, flat = [], []
    for setup, network, parts in found:
        rows = [_row(setup, network, part) for part in parts]
        columns = [
            Column("part", "", "left"),
            Column("ms", show=significant),
            Column("flop_rate", "GFLOP/s", show=gigas),
            Column("byte_rate", "GB/s", show=gigas),
            Column("intensity", "FLOP/byte", show=significant),
            Column("bound", align="left"),
            Column("share_of_roof", "of roof", show=percent),
        ]
        tables.append(Table(columns, rows, f"{network}: {setup}", [NOTE]))
        flat += rows
    names = list(flat[0]) if flat else []
    return Report(tables, Table([Column(name) for name in names], flat), flat)


def _row(setup: Setup, network: Architecture, part: PartRoof) -> dict[str, Any]:
    return {
        "architecture": str(network),
        **setup.columns,
        "part": part.part,
        "ms": part.seconds * 1e3,
        "flops": part.flops,
        "bytes": part.bytes,
        "flop_rate": part.flops / part.seconds,
        "byte_rate": part.bytes / part.seconds,
        "intensity": part.flops / part.bytes,
        "bound": part.bound,
        "share_of_roof": part.share,
    }
