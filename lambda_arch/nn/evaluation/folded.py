"""Position lambdas by a convolution whose input channels are shifted values: exact, and fit for matrix units.

With intra-depth 1 the position convolution has one input channel, where matrix units want multiples of 8 (bf16 and
fp16) or 4 (TF32). Offsets along x are written as dx = f * j + s with 0 <= s < f: the values shifted by each s become f
channels, and the kernel keeps every f-th column, dilated by f. A 23x23 kernel of one channel becomes a 23x3 kernel of
8, with 4 % more multiply-accumulates because 23 columns are padded to 24.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lambda_arch.arch.evaluation_shapes import fold_factor as factor
from lambda_arch.nn.evaluation.embeddings import crop
from lambda_arch.nn.evaluation.layer_shape import LayerShape


def maps(kernel: Tensor, height: int, width: int) -> Tensor:
    """Return the folded kernel (k, u * f, rows, j) of embeddings (k, u, rows, columns) for a map's size."""
    near = crop(kernel, height, width)
    k, u, rows, columns = near.shape
    f = factor(columns)
    padded = F.pad(near, (0, -columns % f))
    return padded.view(k, u, rows, -1, f).permute(0, 1, 4, 2, 3).reshape(k, u * f, rows, -1)


def lambdas(values: Tensor, kernel: Tensor, maps: Tensor) -> Tensor:
    """Return lambdas (b, v, k, n) from values (b, v, u, H, W), embeddings (k, u, rows, columns), their :func:`maps`."""
    b, v, _, height, width = values.shape
    f = factor(min(kernel.shape[3], 2 * width - 1))
    padding = (maps.shape[2] // 2, 0)
    lambdas = F.conv2d(channels(values, kernel, maps), maps, padding=padding, dilation=(1, f))
    return lambdas.view(b, v, -1, height * width)


def channels(values: Tensor, kernel: Tensor, maps: Tensor) -> Tensor:
    """Return the shifted values (b * v, u * f, H, L): what the folded kernel meets, the padding along x included."""
    b, v, u, height, width = values.shape
    columns = min(kernel.shape[3], 2 * width - 1)
    f, groups = factor(columns), maps.shape[3]
    left = columns // 2
    padded = F.pad(values.reshape(b * v, u, height, width), (left, f * groups - 1 - left))
    # (b * v, u, H, f, L): the window that starts at s is the values shifted by s
    shifted = padded.unfold(3, width + f * (groups - 1), 1)
    return shifted.permute(0, 1, 3, 2, 4).reshape(b * v, u * f, height, -1)


def gradients(gradient: Tensor, values: Tensor, kernel: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of values (b, v, u, H, W) and of a cropped ``kernel`` from that of lambdas (b, v, k, n)."""
    b, v, u, height, width = values.shape
    k, _, rows, columns = kernel.shape
    f = factor(columns)
    shifted = channels(values, kernel, maps)
    of_shifted, of_maps, _ = torch.ops.aten.convolution_backward(
        gradient.reshape(b * v, k, height, width), shifted, maps, None,
        [1, 1], [rows // 2, 0], [1, f], False, [0, 0], 1, [True, True, False],
    )  # fmt: skip
    by_shift = of_shifted.view(b * v, u, f, height, -1)
    # the shifted values overlap: each shift's gradient goes back to where it was taken from
    padded = sum(F.pad(by_shift[:, :, s], (s, f - 1 - s)) for s in range(f))
    assert isinstance(padded, Tensor)
    left = columns // 2
    of_values = padded[..., left : left + width].reshape(values.shape)
    of_padded = of_maps.view(k, u, f, rows, -1).permute(0, 1, 3, 4, 2).reshape(k, u, rows, -1)
    return of_values, of_padded[..., :columns]


def largest(at: LayerShape) -> int:
    """Return the elements of the largest tensor written for one image: its lambdas, or the shifted values."""
    f = factor(at.reach[1])
    columns = at.width + at.reach[1] + -at.reach[1] % f - f
    return at.v * max(at.k * at.n, at.u * f * at.height * columns)


def macs(at: LayerShape) -> int:
    """Return the multiply-accumulates of :func:`lambdas`, those on padding included."""
    rows, columns = at.reach
    f = factor(columns)
    return at.b * at.v * at.k * at.u * rows * (columns + -columns % f) * at.n
