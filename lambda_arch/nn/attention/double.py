"""The double attention block, a linear attention (Chen et al. 2018, "A2-Nets", section 3)."""

import torch
from torch import Tensor, nn

from lambda_arch.errors import ArchitectureError
from lambda_arch.nn.attention.common import projection


class Gather(nn.Module):
    """Features pooled by attention maps: a softmax of each map over the positions."""

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """Return descriptors (b, c, r) from features (b, c, n) and maps (b, r, n)."""
        return torch.bmm(features, maps.softmax(dim=-1).transpose(1, 2))


class Distribute(nn.Module):
    """Descriptors distributed to positions: a softmax over the descriptors at each position."""

    def forward(self, descriptors: Tensor, vectors: Tensor) -> Tensor:
        """Return (b, c, n) from descriptors (b, c, r) and vectors (b, r, n)."""
        return torch.bmm(descriptors, vectors.softmax(dim=1))


class DoubleAttention(nn.Module):
    """A residual block that gathers global descriptors and distributes them: (b, dim, H, W) to (b, dim, H, W).

    Its three projections have dim / ``reduction`` channels. It starts as the identity.
    """

    def __init__(self, dim: int, *, reduction: int = 2) -> None:
        super().__init__()
        if dim % reduction:
            raise ArchitectureError(f"reduction={reduction}: expected a divisor of the {dim} channels")
        hidden = dim // reduction
        self.features = projection(dim, hidden)
        self.maps = projection(dim, hidden)
        self.vectors = projection(dim, hidden)
        self.gather = Gather()
        self.distribute = Distribute()
        self.expand = projection(hidden, dim, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim, H, W) from x (b, dim, H, W)."""
        descriptors = self.gather(self.features(x).flatten(2), self.maps(x).flatten(2))
        mixed = self.distribute(descriptors, self.vectors(x).flatten(2)).unflatten(2, x.shape[-2:])
        y: Tensor = x + self.expand(mixed)
        return y
