"""The three counters compared: closed form, fvcore and torch."""

from collections.abc import Iterator
from dataclasses import dataclass

from lambda_arch.arch import Architecture
from lambda_arch.costs.backward import Mode
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


def verify(architecture: Architecture, *, mode: Mode = "inference") -> Verification:
    """Count ``architecture`` with all three counters and compare them exactly, row by row.

    ``mode``: ``train`` counts a training step, of which fvcore knows no backward pass, so torch alone is compared.
    """
    ledger = count(architecture, mode=mode)
    by_torch = count_by_torch(architecture, mode=mode)
    others = (by_torch,) if mode == "train" else (count_by_fvcore(architecture), by_torch)
    disagreements = [line for other in others for line in _disagreements(ledger, other)]
    return Verification(ledger, others, tuple(disagreements))


def _disagreements(ledger: Ledger, other: Counted) -> Iterator[str]:
    fields = ("shape", "params", "macs", "backward_macs") + (("fvcore_flops",) if other.name == "fvcore" else ())
    if other.macs not in (None, ledger.macs):
        yield f"total: macs {ledger.macs} in closed form, {other.macs} in the whole run by {other.name}"
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
