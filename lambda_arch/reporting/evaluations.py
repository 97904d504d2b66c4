"""Reports of the evaluations of lambda layers: the MACs that each executes, compared with those that are counted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lambda_arch.costs import Ledger
from lambda_arch.reporting.table import Column, Report, Table

if TYPE_CHECKING:
    from lambda_arch.nn import Plan


def evaluation_report(ledger: Ledger, plans: "Sequence[Plan]") -> Report:
    """Return one row per lambda layer and the network's total: canonical MACs, executed MACs and their ratio."""
    counted = {row.path: row.macs for row in ledger.rows}
    rows: list[dict[str, Any]] = []
    for plan in plans:
        b = plan.shape.b
        canonical = b * sum(macs for path, macs in counted.items() if path.startswith(f"{plan.path}."))
        executed = canonical - plan.canonical_macs + plan.macs
        rows.append(
            _row(plan.path, f"{plan.shape.height}x{plan.shape.width}", str(plan.evaluation), b, canonical, executed)
        )
    b = plans[0].shape.b if plans else 1
    canonical = b * ledger.macs
    executed = canonical + sum(plan.macs - plan.canonical_macs for plan in plans)
    total = _row("total", "", "", b, canonical, executed)
    columns = [
        Column("path", "lambda layer", "left"),
        Column("map"),
        Column("evaluation", align="left"),
        Column("macs", "canonical MACs (M)", show=_millions),
        Column("executed_macs", "executed MACs (M)", show=_millions),
        Column("ratio", "executed", show=lambda value: f"{value:.0%}"),
    ]
    notes = [
        "Counts and published tables use the canonical MACs. A row is a whole layer, projections included; the total "
        f"is the whole network. Both are for a batch of {b}. Those of an FFT are an estimate."
    ]
    title = f"{ledger.architecture.partition('@')[0]} at {ledger.image_size}x{ledger.image_size}"
    flat = [Column(name) for name in ("path", "map", "evaluation", "batch", "macs", "executed_macs", "ratio")]
    data = {**ledger.as_dict(), "batch": b, "canonical_macs": canonical, "executed_macs": executed, "rows": rows}
    return Report([Table(columns, [*rows, total], title, notes, total=True)], Table(flat, rows), data)


def _millions(value: int) -> str:
    return f"{value / 1e6:,.1f}"


def _row(path: str, size: str, evaluation: str, batch: int, canonical: int, executed: int) -> dict[str, Any]:
    return {
        "path": path,
        "map": size,
        "evaluation": evaluation,
        "batch": batch,
        "macs": canonical,
        "executed_macs": executed,
        "ratio": executed / canonical,
    }
