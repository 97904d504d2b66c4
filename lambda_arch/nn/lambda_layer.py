"""The lambda layer (Bello, ICLR 2021, sections 3 and B.4), as real modules, so that every counter sees each part.

Every product has two operands. Shapes below: b images, n = H x W positions, h heads, k query depth, u intra-depth,
v = dim_out / h value depth.
"""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lambda_arch.arch import Lambda


class ContentLambda(nn.Module):
    """Content lambdas: keys, softmaxed over the positions, times values, summed over positions and intra-depth."""

    def forward(self, keys: Tensor, values: Tensor) -> Tensor:
        """Return lambdas (b, k, v) from keys (b, k, u, n) and values (b, v, u, n)."""
        weights = keys.softmax(dim=-1).flatten(2)
        return torch.bmm(weights, values.flatten(2).transpose(1, 2))


class ApplyContent(nn.Module):
    """Every query applied to the image's one content lambda."""

    def forward(self, queries: Tensor, lambdas: Tensor) -> Tensor:
        """Return (b, h, v, n) from queries (b, h, k, n) and lambdas (b, k, v)."""
        per_head = lambdas.transpose(1, 2).unsqueeze(1).expand(-1, queries.shape[1], -1, -1)
        return torch.matmul(per_head, queries)


class ApplyPosition(nn.Module):
    """Every query applied to the position lambda of its own position."""

    def forward(self, queries: Tensor, lambdas: Tensor) -> Tensor:
        """Return (b, h, v, n) from queries (b, h, k, n) and lambdas (b, v, k, n).

        One small product a position. Both operands are made contiguous first: on strided matrices the batched product
        copies them one by one, tens of thousands of times.
        """
        of_position = queries.permute(0, 3, 1, 2).contiguous()
        per_position = lambdas.permute(0, 3, 2, 1).contiguous()
        return torch.matmul(of_position, per_position).permute(0, 2, 3, 1)


class LocalPosition(nn.Conv2d):
    """Position lambdas of an m x m scope: one convolution of the values (b*v, u, H, W) to lambdas (b*v, k, H, W)."""

    def __init__(self, k: int, u: int, m: int, bias: bool) -> None:
        super().__init__(u, k, m, padding=m // 2, bias=bias)


class GlobalPosition(nn.Module):
    """Position lambdas of global scope: relative embeddings gathered into an n x n map, times the values.

    ``weight`` (k, u, 2H-1, 2W-1) is what a convolution of that scope would hold: the embedding of offset (dy, dx) is
    at [dy + H - 1, dx + W - 1]. Maps smaller than ``size`` use the middle of it.
    """

    def __init__(self, k: int, u: int, size: tuple[int, int], bias: bool) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.empty(k, u, 2 * size[0] - 1, 2 * size[1] - 1))
        self.bias = nn.Parameter(torch.empty(k)) if bias else None

    def extra_repr(self) -> str:
        """Return what ``print(module)`` shows of it."""
        return f"k={self.weight.shape[0]}, u={self.weight.shape[1]}, size={self.size}"

    def forward(self, values: Tensor) -> Tensor:
        """Return lambdas (b*v, k, H, W) from values (b*v, u, H, W); raises ValueError for a map over ``size``."""
        height, width = values.shape[-2:]
        if height > self.size[0] or width > self.size[1]:
            raise ValueError(
                f"{height}x{width}: expected a map of at most {self.size[0]}x{self.size[1]}, "
                f"the size that these global position embeddings were built for"
            )
        k, u = self.weight.shape[:2]
        n = height * width
        dy = _offsets(height, self.size[0], self.weight.device)
        dx = _offsets(width, self.size[1], self.weight.device)
        # (H, H) and (W, W) offsets to one (k, n, u, n) matrix: [k, y, x, u, y', x']
        maps = self.weight[:, :, dy[:, None, :, None], dx[None, :, None, :]].permute(0, 2, 3, 1, 4, 5)
        lambdas = torch.mm(values.reshape(-1, u * n), maps.reshape(k * n, u * n).t())
        lambdas = lambdas.view(-1, k, height, width)
        return lambdas if self.bias is None else lambdas + self.bias.to(lambdas.dtype).view(1, -1, 1, 1)


def _offsets(length: int, limit: int, device: torch.device) -> Tensor:
    positions = torch.arange(length, device=device)
    return positions[None, :] - positions[:, None] + limit - 1


class LambdaLayer(nn.Module):
    """A lambda layer: (b, dim, H, W) to (b, dim_out, H, W).

    ``k`` query depth, ``h`` heads, ``u`` intra-depth, ``m`` the scope of the position lambdas: odd, or ``"global"``
    with ``size`` the largest H x W it will see. Queries and values are batch-normalised, keys softmaxed over the
    positions. ``content`` and ``position`` say which lambdas are summed; ``bias`` adds one to the position lambdas.

    Key channels are ordered (k, u) and value channels (v, u), so that no product needs a copy of them.

    Raises ValueError for heads that do not divide ``dim_out``, an even scope, or a global one without a size.
    """

    def __init__(
        self,
        dim: int,
        dim_out: int | None = None,
        *,
        k: int = 16,
        h: int = 4,
        u: int = 1,
        m: int | Literal["global"] = 23,
        size: int | tuple[int, int] | None = None,
        content: bool = True,
        position: bool = True,
        bias: bool = False,
    ) -> None:
        super().__init__()
        dim_out = dim if dim_out is None else dim_out
        if dim_out % h:
            raise ValueError(f"h={h}: expected heads that divide the {dim_out} channels of the output")
        if not (content or position):
            raise ValueError("content=False, position=False: expected at most one of them off")
        self.k, self.h, self.u, self.v = k, h, u, dim_out // h
        self.m, self.size = m, size
        self.queries = nn.Conv2d(dim, h * k, 1, bias=False)
        self.query_norm = nn.BatchNorm2d(h * k)
        if content:
            self.keys = nn.Conv2d(dim, k * u, 1, bias=False)
        self.values = nn.Conv2d(dim, self.v * u, 1, bias=False)
        self.value_norm = nn.BatchNorm2d(self.v * u)
        self.content = ContentLambda() if content else None
        self.apply_content = ApplyContent() if content else None
        self.position = _position(k, u, m, size, bias) if position else None
        self.apply_position = ApplyPosition() if position else None
        self.reset_parameters()

    @classmethod
    def of(cls, layer: Lambda, dim: int, size: int, dim_out: int | None = None) -> "LambdaLayer":
        """Return the layer of an architecture's settings, for maps of side ``size``."""
        return cls(
            dim,
            dim_out,
            k=layer.k,
            h=layer.h,
            u=layer.u,
            m=layer.m,
            size=size,
            content=layer.content,
            position=layer.position,
            bias=layer.bias,
        )

    @classmethod
    def from_lucidrains(
        cls,
        dim: int,
        *,
        dim_k: int,
        n: int | None = None,
        r: int | None = None,
        heads: int = 4,
        dim_out: int | None = None,
        dim_u: int = 1,
    ) -> "LambdaLayer":
        """Return the layer that these arguments make in github.com/lucidrains/lambda-networks.

        ``r``, the scope of local position lambdas, goes before ``n``, the side of the maps that global ones see. Local
        ones have a bias.

        Raises ValueError without either of them, and as the layer itself does.
        """
        if r is None and n is None:
            raise ValueError(
                "expected r, the scope of local position lambdas, or n, the side of the maps of global ones"
            )
        m: int | Literal["global"] = "global" if r is None else r
        return cls(dim, dim_out, k=dim_k, h=heads, u=dim_u, m=m, size=n if r is None else None, bias=r is not None)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that make such a layer, plain values."""
        position = self.position
        return {
            "dim": self.queries.in_channels,
            "dim_out": self.v * self.h,
            "k": self.k,
            "h": self.h,
            "u": self.u,
            "m": self.m,
            "size": self.size,
            "content": self.content is not None,
            "position": position is not None,
            "bias": position is not None and position.bias is not None,
        }

    def reset_parameters(self) -> None:
        """Initialise: projections of unit gain (queries scaled down by sqrt(k)), embeddings small, norms neutral."""
        dim = self.queries.in_channels
        nn.init.normal_(self.queries.weight, std=(dim * self.k) ** -0.5)
        if self.content is not None:
            nn.init.normal_(self.keys.weight, std=dim**-0.5)
        nn.init.normal_(self.values.weight, std=dim**-0.5)
        self.query_norm.reset_parameters()
        self.value_norm.reset_parameters()
        if self.position is not None:
            reach = math.prod(self.position.weight.shape[1:])
            nn.init.normal_(self.position.weight, std=reach**-0.5)
            if self.position.bias is not None:
                nn.init.zeros_(self.position.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim_out, H, W) from x (b, dim, H, W)."""
        b, _, height, width = x.shape
        n = height * width
        queries = self.query_norm(self.queries(x)).reshape(b, self.h, self.k, n)
        values = self.value_norm(self.values(x)).reshape(b, self.v, self.u, n)
        outputs: list[Tensor] = []
        if self.content is not None and self.apply_content is not None:
            keys = self.keys(x).reshape(b, self.k, self.u, n)
            outputs.append(self.apply_content(queries, self.content(keys, values)))
        if self.position is not None and self.apply_position is not None:
            lambdas = self.position(values.reshape(b * self.v, self.u, height, width))
            outputs.append(self.apply_position(queries, lambdas.reshape(b, self.v, self.k, n)))
        output = outputs[0] if len(outputs) == 1 else outputs[0] + outputs[1]
        return output.reshape(b, -1, height, width)


def _position(
    k: int, u: int, m: int | Literal["global"], size: int | tuple[int, int] | None, bias: bool
) -> LocalPosition | GlobalPosition:
    if m == "global":
        if size is None:
            raise ValueError("m=global: expected size, the largest H x W of the maps, such as size=14")
        return GlobalPosition(k, u, (size, size) if isinstance(size, int) else size, bias)
    if m < 1 or m % 2 == 0:
        raise ValueError(f"m={m}: expected an odd scope or 'global', such as m={m + 1 if m > 0 else 23}")
    return LocalPosition(k, u, m, bias)
