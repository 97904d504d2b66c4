"""A cost model that chooses an evaluation; its choice depends only on the shape, kind of device and dtype."""

import torch

from lambda_arch.arch.evaluation import CANONICAL, Evaluation
from lambda_arch.nn.evaluation import convolution, fft, folded, fused, matrix, queries_first
from lambda_arch.nn.evaluation.layer_shape import LayerShape

MACS_PER_ELEMENT = {"cpu": 20, "cuda": 100}
"""Multiply-accumulates in the time that one element moves between memory and processor. Measured on two CPU cores
(about 100 G/s and 5 G/s); for GPUs from data sheets, not measured. `timing.autotune` measures instead."""
FFT_SLOWDOWN = 12  # time of a multiply-accumulate over one of a matrix product; measured on two CPU cores
GATHERING = 4  # elements moved per gathered one: flipped, then reordered, each read and written
LOW_PRECISION_GAIN = 2  # speed of matrix products in 16 bits over float32; measured on a CPU that supports them
NARROW_SLOWDOWN = {"cpu": 2, "cuda": 15}
"""Slowdown of 16-bit convolutions with one input channel: on CPUs they gain nothing from 16 bits (measured), on GPUs
they run on CUDA cores instead of matrix units (from data sheets, not measured)."""
FOLDED_SLOWDOWN = 1.2  # of a folded convolution against a matrix product, because its channels are stored; measured
FUSED_SLOWDOWN = 4  # of the fused kernel, whose loads feed 16 products each; from its instructions, not measured
CONVOLUTION_PASSES = 12  # time of a training step over a forward pass, for a large convolution on a CPU; measured
FOLDED_PASSES = 5  # the same for a folded convolution
FEW_TERMS = 1_000_000  # below so many terms of the sum over k, storing them beats k small operations; measured


def choose(
    at: LayerShape,
    device: str = "cpu",
    training: bool = False,
    gathered: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Evaluation:
    """Return the cheapest evaluation by the cost model on a ``device`` of that type, for inference or ``training``.

    ``gathered``: whether the maps gathered from the embeddings are already there; ``dtype``: that of the products.

    For devices without a model (``meta``) it is the canonical one.
    """
    if device not in MACS_PER_ELEMENT:
        return CANONICAL
    on_cpu = "sum" if at.b * at.h * at.v * at.k * at.n < FEW_TERMS else "accumulate"
    apply = "product" if device == "cuda" else on_cpu
    if at.scope is None:
        return Evaluation("convolution", apply)  # with content lambdas only, the order has no effect
    costs = {}
    fusing = ["fused"] if device == "cuda" and fused.has_triton() else []
    for order in ("convolution", "folded", "matrix", "queries_first", "fft", *fusing):
        if training and order == "queries_first" and at.h * at.u * at.n > at.v * at.k:
            continue  # its maps, saved for the backward pass, take more memory than lambdas
        passes = 3 if training else 1  # the backward pass has two products for each
        if training and device == "cpu":
            passes = {"convolution": CONVOLUTION_PASSES, "folded": FOLDED_PASSES}.get(order, passes)
        costs[order] = passes * modelled_cost(order, at, device, gathered, dtype)
    return Evaluation(min(costs, key=lambda order: costs[order]), apply)


def modelled_cost(
    order: str, at: LayerShape, device: str, gathered: bool = False, dtype: torch.dtype = torch.float32
) -> float:
    """Return the modelled time of forming and applying position lambdas, in multiply-accumulates of a product."""
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
