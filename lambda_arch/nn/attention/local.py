"""Local relative self-attention (Ramachandran et al. 2019, "Stand-Alone Self-Attention in Vision Models", section 3.1).

Logits are q.k + q.r without scaling, over the window around each position. Keys and values are zero beyond the border,
as in a padded convolution; positions there keep their relative logit.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_arch.errors import ArchitectureError
from lambda_arch.nn.attention.common import Logits, Mix, projection


class OffsetLogits(nn.Module):
    """Half of each query's channels times the embeddings of ``extent`` offsets along one axis, separate per head."""

    def __init__(self, heads: int, depth: int, extent: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, depth, extent))
        nn.init.normal_(self.weight, std=depth**-0.5)

    def extra_repr(self) -> str:
        """Return what ``print(module)`` shows of it."""
        return "heads={}, depth={}, extent={}".format(*self.weight.shape)

    def forward(self, queries: Tensor) -> Tensor:
        """Return (b, h, n, extent) from queries (b, h, n, d)."""
        return torch.matmul(queries, self.weight)


class LocalAttention(nn.Module):
    """Multi-head relative self-attention over ``extent`` x ``extent`` windows: (b, dim, H, W) to (b, dim, H, W).

    ``heads`` divide half of ``dim``: half of a head's relative embedding encodes the row, half the column.
    """

    def __init__(self, dim: int, *, heads: int = 8, extent: int = 7) -> None:
        super().__init__()
        if dim % (2 * heads):
            raise ArchitectureError(f"heads={heads}: expected heads that divide half the {dim} channels")
        if extent < 1 or extent % 2 == 0:
            raise ArchitectureError(f"extent={extent}: expected an odd spatial extent, such as 7")
        self.heads, self.extent = heads, extent
        depth = dim // heads
        self.queries = projection(dim, dim, gain=depth**-0.5)
        self.keys = projection(dim, dim)
        self.values = projection(dim, dim)
        self.logits = Logits()
        self.rows = OffsetLogits(heads, depth // 2, extent)
        self.columns = OffsetLogits(heads, depth // 2, extent)
        self.mix = Mix()

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim, H, W) from x (b, dim, H, W)."""
        b, dim, height, width = x.shape
        n, m = height * width, self.extent
        queries = self.queries(x).reshape(b, self.heads, -1, n).transpose(2, 3)
        half = queries.shape[-1] // 2
        logits = self.logits(queries.unsqueeze(-1), self._windows(self.keys(x))).view(b, self.heads, n, m, m)
        offsets = self.rows(queries[..., :half]).unsqueeze(-1) + self.columns(queries[..., half:]).unsqueeze(-2)
        logits = (logits + offsets).view(b, self.heads, n, 1, m * m)
        mixed: Tensor = self.mix(logits, self._windows(self.values(x)))
        return mixed.squeeze(-1).transpose(2, 3).reshape(b, dim, height, width)

    def _windows(self, x: Tensor) -> Tensor:
        """Return (b, h, n, d, extent * extent) from (b, h * d, H, W)."""
        b = x.shape[0]
        windows = F.unfold(x, self.extent, padding=self.extent // 2)
        return windows.view(b, self.heads, -1, self.extent**2, windows.shape[-1]).permute(0, 1, 4, 2, 3).contiguous()
