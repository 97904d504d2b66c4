"""The three counters compared: closed form, fvcore and torch."""

from collections.abc import Iterator
from dataclasses import dataclass

from lambda_arch.arch import Architecture
from lambda_arch.costs.closed_form import count
from lambda_arch.costs.counted import Counted
from lambda_arch.costs.fvcore_counter import count_by_fvcore
from lambda_arch.costs.ledger import Ledger
from lambda_arch.costs.torch_counter import count_by_torch
from lambda_arch.results import Result


@dataclass(frozen=True)
class Verification(Result):
    """The counts of one architecture by the closed form and by the two others, and every row on which they disagree."""

    ledger: Ledger
    others: tuple[Counted, ...]
    disagreements: tuple[str, ...]


def verify(architecture: Architecture) -> Verification:
    """Count ``architecture`` with all three counters and compare them exactly, row by row."""
    ledger = count(architecture)
    others = (count_by_fvcore(architecture), count_by_torch(architecture))
    disagreements = [line for other in others for line in _disagreements(ledger, other)]
    return Verification(ledger, others, tuple(disagreements))


def _disagreements(ledger: Ledger, other: Counted) -> Iterator[str]:
    fields = ("shape", "params", "macs") + (("fvcore_flops",) if other.name == "fvcore" else ())
    ours = {row.path: row for row in ledger.rows}
    theirs = {row.path: row for row in other.ledger.rows}
    for path in ours.keys() | theirs.keys():
        if path not in ours or path not in theirs:
            yield f"{path}: only in {other.name if path in theirs else 'the closed form'}"
            continue
        for field in fields:
            ours_value, theirs_value = getattr(ours[path], field), getattr(theirs[path], field)
            if ours_value != theirs_value:
                yield f"{path}: {field} {ours_value} in closed form, {theirs_value} by {other.name}"
