"""Modules shared by the attention layers: logits, relative logits, and weights applied to values.

Every product has two operands. The first is never broadcast, because fvcore takes the cost from it.
"""

import torch
from torch import Tensor, nn

from lambda_arch.errors import ArchitectureError


class Logits(nn.Module):
    """Every query times every key."""

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return (..., n, m) from queries (..., d, n) and keys (..., d, m)."""
        return torch.matmul(queries.transpose(-1, -2), keys)


class RelativeLogits(nn.Module):
    """Every query times the embedding of each offset along one axis (Shaw et al. 2018; Bello et al. 2019).

    ``weight`` (2 * limit - 1, d) holds the embedding of offset j - i at [j - i + limit - 1] and is shared by the heads.
    Axes shorter than ``limit`` use its middle.
    """

    def __init__(self, depth: int, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.weight = nn.Parameter(torch.empty(2 * limit - 1, depth))
        nn.init.normal_(self.weight, std=depth**-0.5)

    def extra_repr(self) -> str:
        """Return what ``print(module)`` shows of it."""
        return f"depth={self.weight.shape[1]}, limit={self.limit}"

    def forward(self, queries: Tensor) -> Tensor:
        """Return (..., L, L) from queries (..., L, d), the last axis for keys; raises ValueError for L over ``limit``.

        One matrix product multiplies each query with all 2L - 1 embeddings; its own L logits are gathered afterwards.
        """
        *batch, length, depth = queries.shape
        if length > self.limit:
            raise ArchitectureError(
                f"{length}: expected an axis of at most {self.limit} positions, "
                f"for which these relative embeddings were built"
            )
        embeddings = self.weight[self.limit - length : self.limit + length - 1]
        all_offsets = torch.mm(queries.reshape(-1, depth), embeddings.t()).view(*batch, length, 2 * length - 1)
        positions = torch.arange(length, device=queries.device)
        own = positions[None, :] - positions[:, None] + length - 1
        return all_offsets.gather(-1, own.expand(*batch, length, length))


class Mix(nn.Module):
    """Values averaged with weights, the softmax of logits over the keys."""

    def forward(self, logits: Tensor, values: Tensor) -> Tensor:
        """Return (..., v, n) from logits (..., n, m) and values (..., v, m)."""
        return torch.matmul(values, logits.softmax(dim=-1).transpose(-1, -2))


def projection(dim: int, dim_out: int, gain: float = 1.0) -> nn.Conv2d:
    """Return a 1x1 convolution without bias whose outputs are ``gain`` times as large as its inputs."""
    module = nn.Conv2d(dim, dim_out, 1, bias=False)
    nn.init.normal_(module.weight, std=gain * dim**-0.5)
    return module
