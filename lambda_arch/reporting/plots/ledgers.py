"""Plots of ledgers: where the costs of a network are."""

from lambda_arch.costs import Ledger
from lambda_arch.reporting.plots.plot import Bars


def ledger_plot(ledger: Ledger) -> Bars:
    """Return each block's share of the parameters and of the multiply-accumulates, in percent."""
    costs: dict[str, list[int]] = {}
    for row in ledger.rows:
        block = row.part if row.part in ("stem", "head") else ".".join(row.path.split(".")[:2])
        sums = costs.setdefault(block, [0, 0])
        sums[0] += row.params
        sums[1] += row.macs
    series = (
        (name, tuple(100 * sums[i] / max(1, total) for sums in costs.values()))
        for i, (name, total) in enumerate((("params", ledger.params), ("MACs", ledger.macs)))
    )
    note = (
        f"{ledger.params:,} parameters, {ledger.macs:,} MACs for one image of {ledger.image_size}x{ledger.image_size}"
    )
    return Bars(f"{ledger.architecture}: shares by block", (note,), "% of the total", tuple(costs), tuple(series))
