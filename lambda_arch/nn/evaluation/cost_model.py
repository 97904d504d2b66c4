"""The choice of an evaluation by a cost model: the same for the same shape, kind of device and dtype, always."""

import torch

from lambda_arch.arch.evaluation import CANONICAL, Evaluation
from lambda_arch.nn.evaluation import convolution, fft, folded, fused, matrix, queries_first
from lambda_arch.nn.evaluation.layer_shape import LayerShape

MACS_PER_ELEMENT = {"cpu": 20, "cuda": 100}
"""Multiply-accumulates in the time that one element moves between memory and processor: about 100 G and 5 G a second
on two CPU cores, measured; for GPUs the ratio of data sheets, not measured. `timing.autotune` measures instead."""
FFT_SLOWDOWN = 12  # of a multiply-accumulate against one of a matrix product; measured on two CPU cores
GATHERING = 4  # elements moved for one gathered: flipped, then brought into order, each read and written
LOW_PRECISION_GAIN = 2  # of matrix products in 16 bits over float32; measured on a CPU that has them
NARROW_SLOWDOWN = {"cpu": 2, "cuda": 15}
"""Of 16-bit convolutions with one input channel, which gain nothing from 16-bit products on CPUs (measured) and run on
CUDA cores instead of matrix units on GPUs (ratio of data sheets, not measured)."""
FOLDED_SLOWDOWN = 1.2  # of a folded convolution against a matrix product: its channels are written first; measured
FUSED_SLOWDOWN = 4  # of the fused kernel, whose loads feed 16 products each; from its instructions, not measured
CONVOLUTION_PASSES = 12  # forward passes in the time of a training step of a CPU's large convolution; measured
FOLDED_PASSES = 5  # likewise of a folded one
FEW_TERMS = 1_000_000  # terms of the sum over k, below which writing them down beats k small operations; measured


def choose(
    at: LayerShape,
    device: str = "cpu",
    training: bool = False,
    gathered: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Evaluation:
    """Return the evaluation that the cost model finds cheapest on a ``device`` of that type, for inference or training.

    ``gathered`` says that what an order gathers from the embeddings is at hand, ``dtype`` what products are taken in.

    Devices that it knows nothing of (``meta``) get the canonical one.
    """
    if device not in MACS_PER_ELEMENT:
        return CANONICAL
    on_cpu = "sum" if at.b * at.h * at.v * at.k * at.n < FEW_TERMS else "accumulate"
    apply = "product" if device == "cuda" else on_cpu
    if at.scope is None:
        return Evaluation("convolution", apply)  # content lambdas alone: the order has no say
    costs = {}
    fusing = ["fused"] if device == "cuda" and fused.has_triton() else []
    for order in ("convolution", "folded", "matrix", "queries_first", "fft", *fusing):
        if training and order == "queries_first" and at.h * at.u * at.n > at.v * at.k:
            continue  # its maps, kept for the backward pass, would take more memory than lambdas
        passes = 3 if training else 1  # each product has two more in the backward pass
        if training and device == "cpu":
            passes = {"convolution": CONVOLUTION_PASSES, "folded": FOLDED_PASSES}.get(order, passes)
        costs[order] = passes * modelled_cost(order, at, device, gathered, dtype)
    return Evaluation(min(costs, key=lambda order: costs[order]), apply)


def modelled_cost(
    order: str, at: LayerShape, device: str, gathered: bool = False, dtype: torch.dtype = torch.float32
) -> float:
    """Return the modelled time of the position lambdas and their application, in multiply-accumulates of a product."""
    low = dtype in (torch.bfloat16, torch.float16)
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
    if order == "fft":  # in float32 whatever the dtype
        slowdown = FFT_SLOWDOWN * (LOW_PRECISION_GAIN if low else 1)
        return slowdown * fft.macs(at) + moved * 12 * lambdas + apply  # spectra are complex and padded
    if order == "fused":
        return FUSED_SLOWDOWN * fused.macs(at)
    if order == "folded":
        skipped = at.pairs_down / (at.height * at.reach[0]) if device == "cpu" else 1  # only along y
        return FOLDED_SLOWDOWN * skipped * folded.macs(at) + apply
    # a CPU's convolution skips the padding, measured
    products = at.b * at.v * at.k * at.u * at.pairs if device == "cpu" else convolution.macs(at)
    return products * (NARROW_SLOWDOWN[device] if low and at.u % 8 else 1) + apply
