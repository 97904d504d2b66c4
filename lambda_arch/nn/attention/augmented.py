"""Attention-augmented convolution (Bello et al. 2019, "Attention Augmented Convolutional Networks", section 3)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lambda_arch.errors import ArchitectureError
from lambda_arch.nn.attention.common import projection
from lambda_arch.nn.attention.full import RelativeAttention


class Upsample(nn.Module):
    """Bilinear interpolation to a given size."""

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Return (b, dim, *size) from x (b, dim, H, W)."""
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class AugmentedConvolution(nn.Module):
    """A 3x3 convolution and global relative self-attention, concatenated: (b, dim, H, W) to (b, dim, H/s, W/s).

    ``key_dim`` and ``value_dim`` are channels over all ``heads``; the convolution gives the other dim - value_dim.
    With a stride, and with ``downsample``, a 3x3 average pool of stride 2 precedes the attention; a downsampled output
    is interpolated back. ``size`` is the largest side of the input maps.
    """

    def __init__(
        self,
        dim: int,
        *,
        heads: int = 8,
        key_dim: int,
        value_dim: int,
        size: int,
        stride: int = 1,
        downsample: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (("key_dim", key_dim), ("value_dim", value_dim)):
            if value % heads:
                raise ArchitectureError(f"{name}={value}: expected a multiple of the {heads} heads")
        if value_dim >= dim:
            raise ArchitectureError(f"value_dim={value_dim}: expected fewer than the {dim} channels of the output")
        self.heads = heads
        self.conv = nn.Conv2d(dim, dim - value_dim, 3, stride, 1, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        self.pool = nn.AvgPool2d(3, stride, 1) if stride > 1 else None
        size = -(-size // stride)
        self.downsample = nn.AvgPool2d(3, 2, 1) if downsample else None
        size = -(-size // 2) if downsample else size
        self.queries = projection(dim, key_dim)
        self.keys = projection(dim, key_dim)
        self.values = projection(dim, value_dim)
        self.attend = RelativeAttention(key_dim // heads, size)
        self.project = projection(value_dim, value_dim)
        self.upsample = Upsample() if downsample else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim, H/s, W/s) from x (b, dim, H, W); raises ValueError for a map larger than ``size``."""
        convolved: Tensor = self.conv(x)
        if self.pool is not None:
            x = self.pool(x)
        if self.downsample is not None:
            x = self.downsample(x)
        queries, keys, values = (
            part(x).unflatten(1, (self.heads, -1)) for part in (self.queries, self.keys, self.values)
        )
        attended: Tensor = self.project(self.attend(queries, keys, values).flatten(1, 2))
        if self.upsample is not None:
            attended = self.upsample(attended, convolved.shape[-2:])
        return torch.cat([convolved, attended.to(convolved.dtype)], dim=1)
