"""Peak activation memory of inference, in closed form: the most tensor elements alive at once.

A tensor lives from the operation that makes it to the last that reads it, in the order of :mod:`lambda_arch.nn`. Norms,
activations, softmax, gates and sums work in place. Copies that only change a layout do not count, nor do weights or the
workspace of a kernel. While the stem, a block or the head runs, nothing else is alive but its input, so the network's
peak is the maximum over its parts.

Formulas take integers for one architecture, or numpy arrays for many, like :mod:`lambda_arch.costs.closed_form`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import pairwise
from typing import Any

from lambda_arch.arch import (
    EXPANSION,
    STEM_WIDTHS,
    Architecture,
    ArchitectureError,
    Bottleneck,
    Convolution,
    Head,
    Lambda,
    LambdaShape,
    Part,
    Stem,
    halve,
)

ELEMENT_BYTES = 4
"""Bytes of an element in fp32."""


def peak_memory(architecture: Architecture, batch_size: int = 1) -> int:
    """Return the bytes of activations alive at the peak of inference on ``batch_size`` images in fp32.

    Raises :class:`ArchitectureError` for a part without a formula: there are formulas for ResNets of C and L layers.
    """
    return ELEMENT_BYTES * batch_size * int(max(peak_elements(part) for part in architecture.parts()))


def peak_elements(part: Part) -> Any:
    """Return the elements alive at the peak of a part for one image, including its input.

    It is an integer, or an array where the part's numbers are arrays. Raises :class:`ArchitectureError` for a part
    without a formula.
    """
    formula = FORMULAS.get(type(part.settings))
    if formula is None:
        raise ArchitectureError(f"{part.path}: expected a part of a ResNet, whose memory is known")
    return formula(part)


def _stem(part: Part) -> Any:
    """Inputs and outputs of its convolutions and its pool."""
    half = halve(part.size)
    image, pixels = part.dim * part.size**2, half**2
    widths = STEM_WIDTHS[part.settings.kind]
    steps = [image + widths[0] * pixels, *(sum(pair) * pixels for pair in pairwise(widths))]
    return _maximum([*steps, part.dim_out * (pixels + part.size_out**2)])


def _head(part: Part) -> Any:
    """The last map and its mean, or the mean and the logits."""
    return _maximum([part.dim * part.size**2 + part.dim, part.dim + part.dim_out])


def _bottleneck(part: Part) -> Any:
    """Its input, alive throughout for the shortcut, and the largest of its steps."""
    block = part.settings.block
    dim_out, width = part.dim_out, part.dim_out // EXPANSION
    n, n_out = part.size**2, part.size_out**2
    steps: list[Any] = []  # what is alive besides the block's input
    if isinstance(block.layer, Lambda):
        assert part.shape is not None
        steps += _lambda_steps(block.layer, width, n, part.shape)
        if part.pool is not None:
            steps.append(width * (n + n_out))
    elif isinstance(block.layer, Convolution):
        steps.append(width * (n + n_out))
    else:
        letter = block.layer.letter
        raise ArchitectureError(f"{part.path}: expected a C or L layer, whose memory is known, not {letter}")
    steps.append((width + dim_out) * n_out)
    if block.se:
        steps.append(dim_out * n_out + dim_out + block.squeezed(dim_out))
    if part.first:
        steps.append(2 * dim_out * n_out)  # the outputs of the shortcut and of the block, which are added
    return part.dim * n + _maximum(steps)


FORMULAS: dict[type[Any], Callable[[Part], Any]] = {Stem: _stem, Bottleneck: _bottleneck, Head: _head}


def _lambda_steps(layer: Lambda, dim: int, n: Any, shape: LambdaShape) -> Iterator[Any]:
    k, h, u = shape.k, shape.h, shape.u
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
