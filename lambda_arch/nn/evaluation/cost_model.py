"""A cost model that chooses an evaluation: on CPUs by the shape and dtype alone, on GPUs by the device's rates too."""

import torch

from lambda_arch.arch.evaluation import CANONICAL, Evaluation
from lambda_arch.arch.evaluation_shapes import folding, sensible_folds
from lambda_arch.nn.evaluation import fft, folded, fused, matrix, queries_first
from lambda_arch.nn.evaluation.ceilings import Ceilings, ceilings_here
from lambda_arch.nn.evaluation.gpu_cost_model import modelled_seconds
from lambda_arch.nn.evaluation.layer_shape import LayerShape

MACS_PER_ELEMENT = 20
"""Multiply-accumulates in the time that one element moves between memory and processor; measured on two CPU cores
(about 100 G/s and 5 G/s)."""
FFT_SLOWDOWN = 12  # time of a multiply-accumulate over one of a matrix product; measured on two CPU cores
GATHERING = 4  # elements moved per gathered one: flipped, then reordered, each read and written
LOW_PRECISION_GAIN = 2  # speed of matrix products in 16 bits over float32; measured on a CPU that supports them
NARROW_SLOWDOWN = 2  # of 16-bit convolutions with one input channel, which gain nothing from 16 bits; measured
FOLDED_SLOWDOWN = {"x2": 1.25, "x4": 1.25, "x8": 1.2, "x16": 1.5, "y2": 1.5, "y4": 1.6, "y8": 2.0, "y16": 3.0}
"""Time of folded convolutions over matrix products, because their channels are stored; measured on a CPU in bf16."""
CONVOLUTION_PASSES = 12  # time of a training step over a forward pass, for a large convolution on a CPU; measured
FOLDED_PASSES = 5  # the same for a folded convolution
LOW = (torch.bfloat16, torch.float16)
FEW_TERMS = 1_000_000  # below so many terms of the sum over k, storing them beats k small operations; measured


def choose(
    at: LayerShape,
    device: str = "cpu",
    training: bool = False,
    gathered: bool = False,
    dtype: torch.dtype = torch.float32,
    ceilings: Ceilings | None = None,
) -> Evaluation:
    """Return the cheapest evaluation by the cost model on a ``device`` of that type, for inference or ``training``.

    ``gathered``: whether the maps gathered from the embeddings are already there; ``dtype``: that of the products;
    ``ceilings``: the rates of the GPU, by default of the one that is here
    (:func:`~lambda_arch.nn.evaluation.ceilings.ceilings_here`).

    For devices without a model (``meta``) it is the canonical one.
    """
    if device not in ("cpu", "cuda"):
        return CANONICAL
    on_cpu = "sum" if at.b * at.h * at.v * at.k * at.n < FEW_TERMS else "accumulate"
    apply = "product" if device == "cuda" else on_cpu
    if at.scope is None:
        return Evaluation("convolution", apply)  # with content lambdas only, the order has no effect
    costs: dict[tuple[str, str], float] = {}
    fusing = ["fused"] if device == "cuda" and fused.has_triton() else []
    rates = ceilings or (ceilings_here() if device == "cuda" else None)
    orders = [(order, "") for order in ("convolution", "matrix", "queries_first", "fft", *fusing)]
    for order, fold in orders + [("folded", fold) for fold in sensible_folds(at.reach)]:
        if training and order == "queries_first" and at.h * at.u * at.n > at.v * at.k:
            continue  # its maps, saved for the backward pass, take more memory than lambdas
        if rates is not None:
            costs[order, fold] = modelled_seconds(order, at, rates, gathered, dtype, fold)
            continue
        passes = 3 if training else 1  # the backward pass has two products for each
        if training:
            passes = {"convolution": CONVOLUTION_PASSES, "folded": FOLDED_PASSES}.get(order, passes)
        costs[order, fold] = passes * modelled_cost(order, at, gathered, dtype, fold)
    cheapest, fold = min(costs, key=lambda each: costs[each])
    if cheapest == "folded" and dtype in LOW:  # a quarter faster on CPUs too than accumulating, measured
        apply = "product"
    return Evaluation(cheapest, apply, fold=fold)


def modelled_cost(
    order: str, at: LayerShape, gathered: bool = False, dtype: torch.dtype = torch.float32, fold: str = ""
) -> float:
    """Return the modelled time of forming and applying position lambdas on a CPU, in multiply-accumulates."""
    low = dtype in LOW
    moved = MACS_PER_ELEMENT
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
    # a CPU's convolution skips the padding, measured; a folded one only along the other axis
    if order == "folded":
        axis, factor = folding(fold, at.reach)
        inside = at.pairs_down / (at.height * at.reach[0])
        if axis == 0:
            inside = at.pairs / at.pairs_down / (at.width * at.reach[1])
        return FOLDED_SLOWDOWN[f"{'yx'[axis]}{factor}"] * inside * folded.macs(at, fold) + apply
    return at.b * at.v * at.k * at.u * at.pairs * (NARROW_SLOWDOWN if low and at.u % 8 else 1) + apply
