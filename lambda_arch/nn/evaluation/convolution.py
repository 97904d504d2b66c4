"""Position lambdas by one 2-d convolution of the values (Bello, ICLR 2021, section 3.2), with a cropped kernel.

On a 7x7 map no offset exceeds 6, so that 13x13 of a 23x23 scope are enough.
"""

import torch.nn.functional as F
from torch import Tensor

from lambda_arch.nn.evaluation.embeddings import crop
from lambda_arch.nn.evaluation.layer_shape import LayerShape


def lambdas(values: Tensor, kernel: Tensor) -> Tensor:
    """Return lambdas (b, v, k, n) from values (b, v, u, H, W) and embeddings (k, u, rows, columns)."""
    b, v, _, height, width = values.shape
    near = crop(kernel, height, width)
    padding = (near.shape[2] // 2, near.shape[3] // 2)
    return F.conv2d(values.flatten(0, 1), near, padding=padding).view(b, v, near.shape[0], height * width)


def macs(at: LayerShape) -> int:
    """Return the multiply-accumulates of :func:`lambdas`, including those on padding."""
    rows, columns = at.reach
    return at.b * at.v * at.k * at.u * rows * columns * at.n
