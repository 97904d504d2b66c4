"""The choice of an evaluation by a cost model: the same for the same problem and kind of device, always."""

from lambda_arch.arch.evaluation import CANONICAL, Evaluation
from lambda_arch.nn.evaluation import convolution, fft, matrix, queries_first
from lambda_arch.nn.evaluation.problem import Problem

MACS_PER_ELEMENT = {"cpu": 20, "cuda": 100}
"""Multiply-accumulates in the time that one element moves between memory and processor: about 100 G and 5 G a second
on two CPU cores, measured; for GPUs the ratio of data sheets, not measured. `timing.autotune` measures instead."""
FFT_SLOWDOWN = 12  # of a multiply-accumulate against one of a matrix product; measured on two CPU cores
GATHERING = 4  # elements moved for one gathered: flipped, then brought into order, each read and written
CONVOLUTION_PASSES = 12  # forward passes in the time of a training step of a CPU's large convolution; measured
FEW_TERMS = 1_000_000  # terms of the sum over k, below which writing them down beats k small operations; measured


def choose(at: Problem, device: str = "cpu", training: bool = False, gathered: bool = False) -> Evaluation:
    """Return the evaluation that the cost model finds cheapest on a ``device`` of that type, for inference or training.

    ``gathered`` says that what an order gathers from the embeddings is at hand.

    Devices that it knows nothing of (``meta``) get the canonical one.
    """
    if device not in MACS_PER_ELEMENT:
        return CANONICAL
    on_cpu = "sum" if at.b * at.h * at.v * at.k * at.n < FEW_TERMS else "accumulate"
    apply = "product" if device == "cuda" else on_cpu
    if at.scope is None:
        return Evaluation("convolution", apply)  # content lambdas alone: the order has no say
    costs = {}
    for order in ("convolution", "matrix", "queries_first", "fft"):
        if training and order == "queries_first" and at.h * at.u * at.n > at.v * at.k:
            continue  # its maps, kept for the backward pass, would take more memory than lambdas
        slow = training and order == "convolution" and device == "cpu"
        passes = CONVOLUTION_PASSES if slow else 3 if training else 1  # each product has two more in the backward pass
        costs[order] = passes * modelled_cost(order, at, device, gathered)
    return Evaluation(min(costs, key=lambda order: costs[order]), apply)


def modelled_cost(order: str, at: Problem, device: str, gathered: bool = False) -> float:
    """Return the modelled time of the position lambdas and their application, in multiply-accumulates of a product."""
    moved = MACS_PER_ELEMENT[device]
    lambdas = at.b * at.v * at.k * at.n
    pairs = at.u * at.n**2
    gather = 0 if gathered else moved * GATHERING * at.k * pairs
    apply = at.h * lambdas + moved * 3 * lambdas  # written, added to, read
    if order == "queries_first":
        # the maps of every head are written, reordered, added to, made contiguous and read
        return queries_first.macs(at) + moved * (5 * at.b * at.h * pairs + at.k * pairs) + gather
    if order == "matrix":
        return matrix.macs(at) + moved * at.k * pairs + gather + apply
    if order == "fft":
        return FFT_SLOWDOWN * fft.macs(at) + moved * 12 * lambdas + apply  # spectra are complex and padded
    if device == "cpu":  # its convolution skips the padding, measured
        return at.b * at.v * at.k * at.u * at.pairs + apply
    return convolution.macs(at) + apply
