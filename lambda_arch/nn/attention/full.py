"""Global relative self-attention: every position attends to every other, with 2-d relative logits.

Bello et al. 2019 ("Attention Augmented Convolutional Networks", section 3.2); in place of a bottleneck's 3x3
convolution as in BoTNet (Srinivas et al. 2021).
"""

from torch import Tensor, nn

from lambda_arch.errors import ArchitectureError
from lambda_arch.nn.attention.common import Logits, Mix, RelativeLogits, projection


class RelativeAttention(nn.Module):
    """Softmax attention with logits (q.k + q.r_height + q.r_width) / sqrt(depth); ``depth``: key channels per head."""

    def __init__(self, depth: int, size: int) -> None:
        super().__init__()
        self.scale = depth**-0.5
        self.logits = Logits()
        self.height = RelativeLogits(depth, size)
        self.width = RelativeLogits(depth, size)
        self.mix = Mix()

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return (b, h, v, H, W) from queries and keys (b, h, d, H, W) and values (b, h, v, H, W)."""
        b, h, _, height, width = queries.shape
        queries = queries * self.scale
        logits = self.logits(queries.flatten(3), keys.flatten(3)).view(b, h, height, width, height, width)
        down = self.height(queries.permute(0, 1, 4, 3, 2))  # (b, h, x, y, y')
        along = self.width(queries.permute(0, 1, 3, 4, 2))  # (b, h, y, x, x')
        # in place, because these n x n maps are by far the largest tensors of the network
        logits += down.transpose(2, 3).unsqueeze(-1)
        logits += along.unsqueeze(-2)
        n = height * width
        mixed: Tensor = self.mix(logits.view(b, h, n, n), values.flatten(3))
        return mixed.view(b, h, -1, height, width)


class GlobalAttention(nn.Module):
    """Multi-head relative self-attention over a whole map: (b, dim, H, W) to (b, dim, H, W).

    ``heads`` divide ``dim``; ``size`` is the largest side of the input maps.
    """

    def __init__(self, dim: int, *, heads: int = 8, size: int) -> None:
        super().__init__()
        if dim % heads:
            raise ArchitectureError(f"heads={heads}: expected heads that divide the {dim} channels")
        self.heads = heads
        self.queries = projection(dim, dim)
        self.keys = projection(dim, dim)
        self.values = projection(dim, dim)
        self.attend = RelativeAttention(dim // heads, size)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim, H, W) from x (b, dim, H, W); raises ValueError for a map larger than ``size``."""
        queries, keys, values = (
            part(x).unflatten(1, (self.heads, -1)) for part in (self.queries, self.keys, self.values)
        )
        mixed: Tensor = self.attend(queries, keys, values)
        return mixed.flatten(1, 2)
