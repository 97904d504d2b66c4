"""Peak activation memory of inference, in closed form: the most elements of tensors alive at once.

A tensor lives from the operation that makes it to the last that reads it, as the operations of :mod:`lambda_arch.nn`
follow each other. Norms, activations, softmax, gates and sums write over their input; copies that only change a layout
do not count, nor do weights or the scratch space of a kernel. Every peak lies within the stem, one block or the head,
with nothing else alive but the block's own input, so a network's is the maximum over these.

Formulas take integers for one architecture, or numpy arrays for many, like :mod:`lambda_arch.costs.closed_form`.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import pairwise
from typing import Any

from lambda_arch.arch import EXPANSION, WIDTHS, ArchitectureError, Block, Lambda, ResNet
from lambda_arch.arch.resnet import STEM_WIDTHS
from lambda_arch.costs.closed_form import Dials, block_size, dials, stem_size, strides

ELEMENT_BYTES = 4
"""Bytes of an element in fp32."""


def peak_memory(architecture: ResNet, batch: int = 1) -> int:
    """Return the bytes of activations alive at the peak of inference on ``batch`` images in fp32."""
    others = sorted(architecture.letters - {"C", "L"})
    if others:
        raise ArchitectureError(f"{architecture}: expected only C and L layers, whose memory is known, not {others[0]}")
    size = stem_size(architecture.image_size)
    peaks = [stem_peak(architecture.stem, architecture.image_size)]
    for i, stage in enumerate(architecture.stages):
        for j, block in enumerate(stage):
            stride, pool = architecture.block_stride(i, j == 0), architecture.has_pool(i, j == 0)
            peaks.append(block_peak(block, i, first=j == 0, size=size, stride=stride, pool=pool))
            size = block_size(i, j == 0, size, stride)
    peaks.append(head_peak(architecture.classes, size))
    return ELEMENT_BYTES * batch * max(peaks)


def stem_peak(kind: str, image_size: int) -> int:
    """Return the elements alive at the peak of a stem: inputs and outputs of its convolutions and its pool."""
    half, quarter = (image_size + 1) // 2, stem_size(image_size)
    image, pixels = 3 * image_size**2, half**2
    widths = STEM_WIDTHS[kind]
    steps = [image + widths[0] * pixels, *(sum(pair) * pixels for pair in pairwise(widths))]
    return max(*steps, widths[-1] * (pixels + quarter**2))


def head_peak(classes: int, size: int) -> int:
    """Return the elements alive at the peak of the head: the last map and its mean, or the mean and the logits."""
    dim = EXPANSION * WIDTHS[-1]
    return max(dim * size**2 + dim, dim + classes)


def block_peak(
    block: Block,
    stage: int,
    *,
    first: bool,
    size: Any,
    stride: int | None = None,
    pool: bool | None = None,
    at: Dials | None = None,
) -> Any:
    """Return the elements alive at the peak of a bottleneck block whose input map has side ``size``.

    ``stride``, ``pool`` and ``at`` are as in :func:`lambda_arch.costs.closed_form.bottleneck`. The block's
    input is alive throughout, for the shortcut.
    """
    width = WIDTHS[stage]
    dim_out = EXPANSION * width
    dim = dim_out if not first else (EXPANSION * WIDTHS[stage - 1] if stage else 64)
    n = size * size
    out = block_size(stage, first, size, stride)
    n_out = out * out
    steps: list[Any] = []  # what is alive besides the block's input
    if isinstance(block.layer, Lambda):
        steps += _lambda_steps(block.layer, width, n, at or dials(block.layer, size))
        if strides(stage, first, stride) if pool is None else pool:
            steps.append(width * (n + n_out))
    else:
        steps.append(width * (n + n_out))
    steps.append((width + dim_out) * n_out)
    if block.se:
        steps.append(dim_out * n_out + dim_out + max(1, int(dim_out * block.se)))
    if first:
        steps.append(2 * dim_out * n_out)  # the shortcut's output, and the block's to add it to
    return dim * n + _maximum(steps)


def _lambda_steps(layer: Lambda, dim: int, n: Any, at: Dials) -> Iterator[Any]:
    k, h, u = at.k, at.h, at.u
    value_depth = dim // h
    x, queries, values, keys = dim * n, h * k * n, value_depth * u * n, k * u * n
    content, output = k * value_depth, dim * n
    alive = x + queries + values  # the projections read x one after the other
    if not layer.content:
        yield alive
        before = queries + values
    else:
        yield alive + keys
        yield queries + values + keys + content
        # the values stay for the position lambdas
        yield queries + content + output + (values if layer.position else 0)
        before = queries + values + output
    if layer.position:
        lambdas = value_depth * k * n
        # a global scope spreads its embeddings over all pairs of positions
        maps = k * u * n * n if layer.m == "global" else 0
        yield before + lambdas + maps
        yield before - values + lambdas + output


def _maximum(steps: Iterable[Any]) -> Any:
    return reduce(_larger, steps)


def _larger(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    import numpy as np

    return np.maximum(a, b)
