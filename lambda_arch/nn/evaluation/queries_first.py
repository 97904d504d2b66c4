"""Queries first applied to embeddings and keys: an n x n map per head, then one product with the values.

This is the order of attention and forms no lambdas. It pays on small maps with deep values, because a pair of positions
takes h * (k + v) multiply-accumulates, and a lambda k * v.
"""

import torch
from torch import Tensor

from lambda_arch.nn.evaluation.embeddings import position_maps
from lambda_arch.nn.evaluation.layer_shape import LayerShape


def maps(kernel: Tensor, height: int, width: int) -> Tensor:
    """Return the embeddings by output position, (n, k, u * n); they depend only on the weights."""
    k, u = kernel.shape[:2]
    n = height * width
    return position_maps(kernel, height, width).permute(2, 3, 0, 1, 4, 5).reshape(n, k, u * n)


def position_attention(queries: Tensor, embeddings: Tensor) -> Tensor:
    """Return maps (b, h, n, u * n) from queries (b, h, k, n) and :func:`maps`."""
    b, h, k, n = queries.shape
    # contiguous, because the batched product copies strided matrices one by one
    by_position = queries.permute(3, 0, 1, 2).contiguous().view(n, b * h, k)
    return torch.bmm(by_position, embeddings).view(n, b, h, -1).permute(1, 2, 0, 3)


def content_attention(queries: Tensor, weights: Tensor) -> Tensor:
    """Return maps (b, h, n, u * n) from queries (b, h, k, n) and softmaxed keys (b, k, u, n)."""
    b, h, k, n = queries.shape
    rows = queries.transpose(2, 3).reshape(b, h * n, k)
    return torch.bmm(rows, weights.flatten(2)).view(b, h, n, -1)


def times_values(attention: Tensor, values: Tensor) -> Tensor:
    """Return outputs (b, h, v, n) from maps (b, h, n, u * n) and values (b, v, u, H, W)."""
    b, h, n, _ = attention.shape
    rows = attention.reshape(b, h * n, -1)
    return torch.bmm(values.flatten(2), rows.transpose(1, 2)).view(b, -1, h, n).transpose(1, 2)


def macs(at: LayerShape) -> int:
    """Return the multiply-accumulates of the whole layer except its projections."""
    pairs = at.b * at.h * at.u * at.n**2
    return pairs * at.v + pairs * at.k * ((at.scope is not None) + at.content)


def largest(at: LayerShape) -> int:
    """Return the elements of the largest tensor per image: the maps of its heads."""
    return at.h * at.u * at.n**2
