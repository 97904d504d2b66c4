"""Position lambdas by a convolution whose input channels are shifted values: exact, and fit for matrix units.

With intra-depth 1 the position convolution has one input channel, where matrix units want multiples of 8 (bf16 and
fp16) or 4 (TF32). Offsets along x are written as dx = f * j + s with 0 <= s < f: the values shifted by each s become f
channels, and the kernel keeps every f-th column, dilated by f. A 23x23 kernel of one channel becomes a 23x3 kernel of
8, with 4 % more multiply-accumulates because 23 columns are padded to 24. Offsets along y can be folded instead.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from lambda_arch.arch.evaluation_shapes import folding
from lambda_arch.nn.evaluation.embeddings import crop
from lambda_arch.nn.evaluation.layer_shape import LayerShape


def maps(kernel: Tensor, height: int, width: int, fold: str = "") -> Tensor:
    """Return the folded kernel (k, u * f, rows, columns) of embeddings (k, u, ...) for a map's size.

    It has every f-th column, or every f-th row if ``fold`` (:data:`~lambda_arch.arch.evaluation_shapes.FOLDS`) says y.
    """
    near = crop(kernel, height, width)
    axis, f = folding(fold, near.shape[2:])
    padding = [0, -near.shape[2 + axis] % f]
    padded = F.pad(near, padding if axis else [0, 0, *padding])
    k, u, rows, columns = padded.shape
    if axis:
        return padded.view(k, u, rows, -1, f).permute(0, 1, 4, 2, 3).reshape(k, u * f, rows, -1)
    return padded.view(k, u, -1, f, columns).transpose(2, 3).reshape(k, u * f, -1, columns)


def lambdas(values: Tensor, kernel: Tensor, maps: Tensor, fold: str = "") -> Tensor:
    """Return lambdas (b, v, k, n) from values (b, v, u, H, W), embeddings (k, u, rows, columns), their :func:`maps`."""
    b, v = values.shape[:2]
    lambdas = convolved(channels(values, kernel, maps, fold), kernel, maps, values.shape[-2:], fold)
    return lambdas.view(b, v, -1, values.shape[-2] * values.shape[-1])


def channels(values: Tensor, kernel: Tensor, maps: Tensor, fold: str = "") -> Tensor:
    """Return the shifted values (b * v, u * f, ...): what the folded kernel meets, padded along the folded axis."""
    b, v, u, height, width = values.shape
    reach = _reach(kernel, (height, width))
    axis, f = folding(fold, reach)
    before, length = reach[axis] // 2, f * maps.shape[2 + axis]
    padding = [before, length - 1 - before]
    padded = F.pad(values.reshape(b * v, u, height, width), padding if axis else [0, 0, *padding])
    # the window that starts at s is the values shifted by s
    shifted = padded.unfold(2 + axis, values.shape[3 + axis] + length - f, 1)
    by_shift = shifted.permute(0, 1, 3, 2, 4) if axis else shifted.permute(0, 1, 2, 4, 3)
    return by_shift.reshape(b * v, u * f, *by_shift.shape[3:])


def convolved(channels: Tensor, kernel: Tensor, maps: Tensor, sides: Sequence[int], fold: str = "") -> Tensor:
    """Return lambdas (b * v, k, H, W) from the shifted values for maps of ``sides`` H, W."""
    reach = _reach(kernel, sides)
    axis, f = folding(fold, reach)
    padding = (reach[0] // 2, 0) if axis else (0, reach[1] // 2)
    return F.conv2d(channels, maps, padding=padding, dilation=(1, f) if axis else (f, 1))


def _reach(kernel: Tensor, sides: Sequence[int]) -> tuple[int, int]:
    return min(kernel.shape[2], 2 * sides[0] - 1), min(kernel.shape[3], 2 * sides[1] - 1)


def largest(at: LayerShape, fold: str = "") -> int:
    """Return the elements of the largest tensor written for one image: its lambdas, or the shifted values."""
    axis, f = folding(fold, at.reach)
    sides = [at.height, at.width]
    sides[axis] += at.reach[axis] + -at.reach[axis] % f - f
    return at.v * max(at.k * at.n, at.u * f * sides[0] * sides[1])


def macs(at: LayerShape, fold: str = "") -> int:
    """Return the multiply-accumulates of :func:`lambdas`, those on padding included."""
    axis, f = folding(fold, at.reach)
    return at.b * at.v * at.k * at.u * at.reach[1 - axis] * (at.reach[axis] + -at.reach[axis] % f) * at.n
