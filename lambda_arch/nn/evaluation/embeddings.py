"""Relative position embeddings, cropped to the offsets of a map, and gathered for it.

Embeddings (k, u, rows, columns) hold the offset (dy, dx) at [rows // 2 + dy, columns // 2 + dx], for local and global
scopes alike.
"""

import torch.nn.functional as F
from torch import Tensor


def crop(kernel: Tensor, height: int, width: int) -> Tensor:
    """Return the middle of ``kernel``, with the offsets of a map of this size: at most 2 * side - 1 per axis."""
    rows, columns = kernel.shape[2:]
    y, x = max(0, rows // 2 - height + 1), max(0, columns // 2 - width + 1)
    return kernel[:, :, y : rows - y, x : columns - x]


def position_maps(kernel: Tensor, height: int, width: int) -> Tensor:
    """Return the embeddings of every pair of positions, (k, u, H, W, H, W): output position, then input position.

    Zero where the input lies outside the scope. It is a view, so it is differentiable and deterministic.
    """
    rows, columns = kernel.shape[2:]
    y, x = height - 1 - rows // 2, width - 1 - columns // 2
    every_offset = F.pad(kernel, (x, x, y, y))  # negative padding crops
    # the window that starts at H - 1 - y holds the offsets from output row y to every input row
    return every_offset.unfold(2, height, 1).unfold(3, width, 1).flip(2, 3)
