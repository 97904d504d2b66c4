"""Axial self-attention: down the columns, then along the rows (Wang et al. 2020, "Axial-DeepLab", section 3.1).

Each of the two is their axial-attention layer with relative embeddings for the queries, q.k + q.r without scaling;
queries and keys have half as many channels as values.
"""

from typing import Literal

from torch import Tensor, nn

from lambda_arch.errors import ArchitectureError
from lambda_arch.nn.attention.common import Logits, Mix, RelativeLogits, projection


class AxisAttention(nn.Module):
    """Multi-head relative self-attention within each column (``axis`` height) or each row (width)."""

    def __init__(self, dim: int, *, heads: int, size: int, axis: Literal["height", "width"]) -> None:
        super().__init__()
        if dim % (2 * heads):
            raise ArchitectureError(f"heads={heads}: expected heads that divide half the {dim} channels")
        self.heads, self.axis = heads, axis
        depth = dim // 2 // heads
        self.queries = projection(dim, dim // 2, gain=depth**-0.5)
        self.keys = projection(dim, dim // 2)
        self.values = projection(dim, dim)
        self.logits = Logits()
        self.relative = RelativeLogits(depth, size)
        self.mix = Mix()

    def extra_repr(self) -> str:
        """Return what ``print(module)`` shows of it."""
        return f"axis={self.axis}"

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim, H, W) from x (b, dim, H, W)."""
        queries, keys, values = (self._lines(part(x)) for part in (self.queries, self.keys, self.values))
        logits = self.logits(queries, keys) + self.relative(queries.transpose(-1, -2))
        mixed: Tensor = self.mix(logits, values)
        mixed = mixed.transpose(2, 3).flatten(1, 2)  # (b, dim, lines, length)
        return mixed.transpose(2, 3) if self.axis == "height" else mixed

    def _lines(self, x: Tensor) -> Tensor:
        """Return (b, h, lines, d, length) from (b, h * d, H, W)."""
        if self.axis == "height":
            x = x.transpose(2, 3)
        b, dim, lines, length = x.shape
        return x.reshape(b, self.heads, dim // self.heads, lines, length).transpose(2, 3)


class AxialAttention(nn.Module):
    """Attention over the height, then over the width: (b, dim, H, W) to (b, dim, H, W).

    ``heads`` divide half of ``dim``; ``size`` is the largest side of the input maps.
    """

    def __init__(self, dim: int, *, heads: int = 8, size: int) -> None:
        super().__init__()
        self.height = AxisAttention(dim, heads=heads, size=size, axis="height")
        self.width = AxisAttention(dim, heads=heads, size=size, axis="width")

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim, H, W) from x (b, dim, H, W); raises ValueError for a map larger than ``size``."""
        y: Tensor = self.width(self.height(x))
        return y
