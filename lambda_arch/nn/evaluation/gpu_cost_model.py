"""The modelled time of an evaluation on a GPU: for each of its operations, the longer of computing and moving data.

The rates are those of the device (:class:`~lambda_arch.nn.evaluation.ceilings.Ceilings`). Operations run one after the
other, read their operands from memory and write their result to it.
"""

import torch

from lambda_arch.arch.evaluation_shapes import folding
from lambda_arch.nn.evaluation import convolution, fft, folded, fused, matrix, tf32
from lambda_arch.nn.evaluation.ceilings import Ceilings
from lambda_arch.nn.evaluation.layer_shape import LayerShape

ESTIMATED_SLOWDOWN = {"folded": 2, "fused": 4}
"""Time of an operation over that of one of a large product, where the rates of the device lack the order. Estimates:
few channels are harder to feed to matrix units, and in the fused kernel a load feeds 16 products."""
ALIGNED = {"bf16": 8, "fp16": 8, "tf32": 4}
"""Multiples of input channels that matrix units take; float32 runs on CUDA cores anyway."""


def modelled_seconds(
    order: str,
    at: LayerShape,
    ceilings: Ceilings,
    gathered: bool = False,
    dtype: torch.dtype = torch.float32,
    fold: str = "",
) -> float:
    """Return the modelled seconds of forming position lambdas by ``order`` and applying them, of a forward pass."""
    size = 2 if dtype in (torch.bfloat16, torch.float16) else 4
    matmul = _kind(dtype, tf32.of_products())
    conv = _kind(dtype, tf32.of_convolutions())
    product = ceilings.products.get(matmul, ceilings.products["fp32"])

    def operation(macs: float, elements: float, rate: float = product) -> float:
        return max(2 * macs / rate, elements * size / ceilings.copy)

    b, h, u, v, n = at.b, at.h, at.u, at.v, at.n
    lambdas, values, outputs, queries = b * v * at.k * n, b * v * u * n, b * h * v * n, b * h * at.k * n
    pairs = u * n**2
    gather = 0.0 if gathered else operation(0, 4 * at.k * pairs)
    if order == "fused":
        rows, columns = at.reach
        padding = (at.height + rows) * (at.width + columns) / n
        rate = ceilings.fused.get(matmul, product / ESTIMATED_SLOWDOWN["fused"])
        return operation(0, values * (1 + padding)) + operation(
            fused.macs(at) + h * lambdas, values * padding + queries + outputs, rate
        )
    if order == "queries_first":
        maps = b * h * pairs
        return (
            gather
            + operation(b * h * at.k * pairs, queries + at.k * pairs + maps)  # queries times embeddings
            + operation(b * h * at.k * pairs, queries + maps)  # queries times keys
            + operation(0, 5 * maps)  # reordered, and one added to the other
            + operation(b * h * v * pairs, maps + values + outputs)
        )
    channels = u
    if order == "matrix":
        form = gather + operation(matrix.macs(at), values + lambdas + at.k * pairs)
    elif order == "fft":  # spectra are complex, padded, and float32 whatever the dtype
        form = operation(0, 12 * lambdas * 4 / size) + 2 * fft.macs(at) / ceilings.products["fp32"]
    elif order == "folded":
        channels *= folding(fold, at.reach)[1]
        shifted = channels * values / u
        rate = _convolution_rate(conv, channels, ceilings)
        if _aligned(conv, channels):
            rate = ceilings.folded.get(conv, rate / ESTIMATED_SLOWDOWN["folded"])
        form = operation(0, values + shifted) + operation(folded.macs(at, fold), shifted + lambdas, rate)
    else:
        form = operation(convolution.macs(at), values + lambdas, _convolution_rate(conv, channels, ceilings))
    add = operation(0, 2 * lambdas)
    apply = operation(0, 2 * lambdas + 2 * queries) + operation(h * lambdas, lambdas + queries + outputs)
    return form + add + apply


def _kind(dtype: torch.dtype, tf32: bool) -> str:
    return {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(dtype, "tf32" if tf32 else "fp32")


def _convolution_rate(kind: str, channels: int, ceilings: Ceilings) -> float:
    """Return the FLOP/s of a convolution: that of a product only for channels that matrix units take."""
    if _aligned(kind, channels):
        return ceilings.products.get(kind, ceilings.products["fp32"])
    return ceilings.narrow.get(kind, ceilings.narrow["fp32"])


def _aligned(kind: str, channels: int) -> bool:
    return channels % ALIGNED.get(kind, 8) == 0
