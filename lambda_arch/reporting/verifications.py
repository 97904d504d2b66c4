"""Report of the three counters compared: closed form, fvcore and torch's flop counter."""

from collections import Counter
from collections.abc import Iterable

from lambda_arch.costs import Verification
from lambda_arch.reporting.table import Column, Report, Table, as_text


def verification_report(verified: Verification | Iterable[Verification]) -> Report:
    """Return one row per architecture: its costs and whether the counters agree; notes list what they count as zero."""
    results = list(verified) if isinstance(verified, Iterable) else [verified]
    rows = [
        {**result.ledger.as_dict(), "modules": len(result.ledger.rows), "agree": not result.disagreements}
        for result in results
    ]
    columns = [
        Column("architecture", align="left"),
        Column("image_size", "image"),
        Column("modules"),
        Column("params"),
        Column("macs", "MACs"),
        Column("fvcore_flops", "fvcore total"),
        Column("agree", "counters", show=_agree),
    ]
    notes = [f"{result.ledger.architecture}: {line}" for result in results for line in result.disagreements]
    rows_compared = sum(len(result.ledger.rows) for result in results)
    agreeing = sum(not result.disagreements for result in results)
    notes.append(
        f"{agreeing} of {len(results)} architectures agree to the unit in closed form, fvcore and torch, "
        f"over {as_text(rows_compared)} rows of shapes, params, MACs and fvcore's total."
    )
    notes += [f"Counted as zero by {counter}: {', '.join(ops)}." for counter, ops in _zero(results).items()]
    data = {
        "architectures": [
            {**row, "disagreements": list(result.disagreements)} for row, result in zip(rows, results, strict=True)
        ],
        "counted_as_zero": _zero(results),
    }
    return Report([Table(columns, rows, "Three counters", notes)], Table(columns, rows), data)


def _agree(value: bool) -> str:
    return "✓ agree" if value else "✗ differ"


def _zero(results: Iterable[Verification]) -> dict[str, list[str]]:
    totals: dict[str, Counter[str]] = {}
    for result in results:
        for other in result.others:
            totals.setdefault(other.name, Counter()).update(other.zero)
    return {name: [operation for operation, _ in ops.most_common()] for name, ops in totals.items()}
