"""Position lambdas as one matrix product: the embeddings of all pairs of positions, times the values."""

import torch
from torch import Tensor

from lambda_arch.nn.evaluation.embeddings import position_maps
from lambda_arch.nn.evaluation.layer_shape import LayerShape


def maps(kernel: Tensor, height: int, width: int) -> Tensor:
    """Return the matrix (u * n, k * n) for a map's size; it depends only on the weights."""
    k, u = kernel.shape[:2]
    n = height * width
    return position_maps(kernel, height, width).permute(1, 4, 5, 0, 2, 3).reshape(u * n, k * n)


def lambdas(values: Tensor, matrix: Tensor) -> Tensor:
    """Return lambdas (b, v, k, n) from values (b, v, u, H, W) and their :func:`maps`."""
    b, v, u, height, width = values.shape
    n = height * width
    return torch.mm(values.reshape(b * v, u * n), matrix).view(b, v, -1, n)


def macs(at: LayerShape) -> int:
    """Return the multiply-accumulates of :func:`lambdas`."""
    return at.b * at.v * at.k * at.u * at.n**2
