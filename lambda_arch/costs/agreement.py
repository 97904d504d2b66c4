"""The counters compared: closed form, fvcore, torch, and ONNX's graph where it is asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lambda_arch.arch import Architecture
from lambda_arch.costs.backward import Mode
from lambda_arch.costs.closed_form import count
from lambda_arch.costs.counted import Counted
from lambda_arch.costs.ledger import Ledger
from lambda_arch.results import Result


@dataclass(frozen=True)
class Verification(Result):
    """The counts of one architecture by the closed form and by the others, and every row on which they disagree.

    ``kept``: whether the others counted it earlier, with the same code and versions (:func:`verify_all`).
    """

    ledger: Ledger
    others: tuple[Counted, ...]
    disagreements: tuple[str, ...]
    kept: bool = False


def verify(architecture: Architecture, *, mode: Mode = "inference") -> Verification:
    """Count ``architecture`` with all three counters and compare them exactly, row by row.

    ``mode``: ``train`` counts a training step, of which fvcore knows no backward pass, so torch alone is compared.

    Returns the ledger of each counter, and every row in which they disagree. Raises :class:`LambdaArchError` for
    another mode.
    """
    return agreement(architecture, run_counters(architecture, mode), mode)


def run_counters(architecture: Architecture, mode: Mode = "inference", *, onnx: bool = False) -> tuple[Counted, ...]:
    """Return the counts of the other counters: fvcore (in inference) and torch, which run the network, and ``onnx``."""
    from lambda_arch.costs.fvcore_counter import count_by_fvcore
    from lambda_arch.costs.torch_counter import count_by_torch

    by_torch = count_by_torch(architecture, mode=mode)
    if mode == "train":
        return (by_torch,)
    if not onnx:
        return (count_by_fvcore(architecture), by_torch)
    from lambda_arch.costs.onnx_counter import count_by_onnx

    return (count_by_fvcore(architecture), by_torch, count_by_onnx(architecture))


def agreement(
    architecture: Architecture, others: Sequence[Counted], mode: Mode = "inference", *, kept: bool = False
) -> Verification:
    """Return the closed form compared with what the ``others`` counted."""
    ledger = count(architecture, mode=mode)
    disagreements = [line for other in others for line in _disagreements(ledger, other)]
    return Verification(ledger, tuple(others), tuple(disagreements), kept)


def _disagreements(ledger: Ledger, other: Counted) -> Iterator[str]:
    fields = ("shape", "params", "macs", "backward_macs") + (("fvcore_flops",) if other.name == "fvcore" else ())
    if other.macs not in (None, ledger.macs):
        yield f"total: macs {ledger.macs} in closed form, {other.macs} in the whole run by {other.name}"
    if other.name == "onnx":  # a graph has no modules, only the products that they became
        fields = ("macs",)
        ledger = replace(ledger, rows=tuple(row for row in ledger.rows if row.macs))
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
