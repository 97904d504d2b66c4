"""Reports of the counters compared: closed form, fvcore, torch's flop counter, and ONNX's graph."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lambda_arch.costs import Verification
from lambda_arch.costs.kept_counts import folder, versions
from lambda_arch.reporting.table import Column, Report, Table, as_text

if TYPE_CHECKING:
    from lambda_arch.searching.front import Front
    from lambda_arch.searching.member_checks import Checked


def verification_report(verified: Verification | Iterable[Verification]) -> Report:
    """Return one row per architecture: its costs and whether the counters agree; notes list what they count as zero."""
    results = list(verified) if isinstance(verified, Iterable) else [verified]
    rows = [
        {**result.ledger.as_dict(), "modules": len(result.ledger.rows), "agree": not result.disagreements}
        for result in results
    ]
    columns = [
        Column("architecture", align="left"),
        Column("image_size", "image", optional=True),
        Column("modules", optional=True),
        Column("params"),
        Column("macs", "MACs"),
        Column("fvcore_flops", "fvcore total", optional=True),
        Column("agree", "counters", show=_agree),
    ]
    notes = [f"{result.ledger.architecture}: {line}" for result in results for line in result.disagreements]
    rows_compared = sum(len(result.ledger.rows) for result in results)
    agreeing = sum(not result.disagreements for result in results)
    onnx = any(other.name == "onnx" for result in results for other in result.others)
    counters = "fvcore, torch and, for MACs, ONNX's graph" if onnx else "fvcore and torch"
    notes.append(
        f"{agreeing} of {len(results)} architectures agree to the unit in closed form, {counters}, "
        f"over {as_text(rows_compared)} rows of shapes, params, MACs and fvcore's total."
    )
    kept = sum(result.kept for result in results)
    if kept:
        made = ", ".join(f"{name} {number}" for name, number in versions(onnx).items())
        notes.append(f"{kept} of them were run before, by the same code, {made}; their counts are kept in {folder()}.")
    notes += [f"Counted as zero by {counter}: {', '.join(ops)}." for counter, ops in _zero(results).items()]
    data = {
        "architectures": [
            {**row, "disagreements": list(result.disagreements)} for row, result in zip(rows, results, strict=True)
        ],
        "counted_as_zero": _zero(results),
    }
    title = "Four counters" if onnx else "Three counters"
    return Report([Table(columns, rows, title, notes)], Table(columns, rows), data)


def checked_report(front: "Front", checked: "Sequence[Checked]") -> Report:
    """Return members with the search's figures next to those of their built networks."""
    rows: list[dict[str, Any]] = []
    for each in checked:
        row: dict[str, Any] = {"architecture": str(each.architecture), "agree": each.agrees}
        for name, value in each.counted.items():
            row |= {name: int(each.said[name]), f"{name}_built": value}
        if each.seconds is not None and "latency" in each.said:
            row |= {"latency": each.said["latency"], "latency_timed": each.seconds}
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row if name not in ("architecture", "agree")))
    columns = [Column(name, name.replace("_", ", ")) for name in names]
    columns += [Column("agree", "counters", show=_agree)]
    columns += [Column("architecture", align="left")]
    notes = [f"{each.architecture}: {line}" for each in checked for line in each.disagreements]
    agreeing = sum(each.agrees for each in checked)
    notes.append(
        f"{agreeing} of {len(checked)} members are as the search said, built and counted by all three counters"
    )
    title = f"Members of the front of {front.problem.space.name}, built"
    return Report([Table(columns, rows, title, notes)], Table(columns, rows), rows)


def _agree(value: bool) -> str:
    return "✓ agree" if value else "✗ differ"


def _zero(results: Iterable[Verification]) -> dict[str, list[str]]:
    totals: dict[str, Counter[str]] = {}
    for result in results:
        for other in result.others:
            totals.setdefault(other.name, Counter()).update(other.zero)
    return {name: [operation for operation, _ in ops.most_common()] for name, ops in totals.items()}
