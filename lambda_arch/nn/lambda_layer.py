"""The lambda layer (Bello, ICLR 2021, sections 3 and B.4), made of modules, so that counters see each part.

Every product has two operands. Shapes below: b images, n = H x W positions, h heads, k query depth, u intra-depth,
v = dim_out / h value depth.
"""

import math
from dataclasses import asdict
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lambda_arch.arch import LAYERS, ArchitectureError, Lambda, Part, module_of
from lambda_arch.arch.checks import check_heads, check_map, largest_map
from lambda_arch.arch.layers import KeyNorm
from lambda_arch.errors import SetupError
from lambda_arch.nn.evaluation import CANONICAL, Evaluation, LayerShape, choose, evaluate, parse_evaluation
from lambda_arch.nn.gradients import contiguous_gradient


def content_weights(keys: Tensor, dtype: torch.dtype, norm: KeyNorm = "softmax") -> Tensor:
    """Return keys (b, k, u, n) normalised over the positions, computed in float32 at least, as ``dtype``."""
    accurate = keys.to(torch.float64 if keys.dtype == torch.float64 else torch.float32)
    if norm == "softmax":
        return accurate.softmax(-1).to(dtype)
    return (nn.functional.normalize(accurate, dim=-1) if norm == "l2" else accurate).to(dtype)


def shaped_queries(queries: Tensor, h: int, softmax: bool) -> Tensor:
    """Return (b, h, k, n) from queries (b, h*k, H, W), with a softmax over their depth if ``softmax``."""
    queries = queries.reshape(queries.shape[0], h, queries.shape[1] // h, -1)
    return queries.softmax(2) if softmax else queries


class ContentLambda(nn.Module):
    """Content lambdas: keys, normalised over the positions, times values, summed over positions and intra-depth."""

    def __init__(self, norm: KeyNorm = "softmax") -> None:
        super().__init__()
        self.norm: KeyNorm = norm

    def forward(self, keys: Tensor, values: Tensor) -> Tensor:
        """Return lambdas (b, k, v) from keys (b, k, u, n) and values (b, v, u, n)."""
        weights = content_weights(keys, values.dtype, self.norm).flatten(2)
        return torch.bmm(weights, values.flatten(2).transpose(1, 2))


class ApplyContent(nn.Module):
    """Every query applied to the content lambda of the image."""

    def forward(self, queries: Tensor, lambdas: Tensor) -> Tensor:
        """Return (b, h, v, n) from queries (b, h, k, n) and lambdas (b, k, v)."""
        per_head = lambdas.transpose(1, 2).unsqueeze(1).expand(-1, queries.shape[1], -1, -1)
        return _matmul(per_head, queries)


class ApplyPosition(nn.Module):
    """Every query applied to the position lambda of its own position."""

    def forward(self, queries: Tensor, lambdas: Tensor) -> Tensor:
        """Return (b, h, v, n) from queries (b, h, k, n) and lambdas (b, v, k, n).

        One small product per position. Both operands are made contiguous first, because the batched product copies
        strided matrices one by one, tens of thousands of times.
        """
        of_position = queries.permute(0, 3, 1, 2).contiguous()
        per_position = lambdas.permute(0, 3, 2, 1).contiguous()
        return _matmul(of_position, per_position).permute(0, 2, 3, 1)


def _matmul(left: Tensor, right: Tensor) -> Tensor:
    """Multiply matrices; under float16 autocast in float32, because large queries and lambdas may overflow."""
    if left.dtype == torch.float16 and torch.is_autocast_enabled(left.device.type):
        with torch.autocast(left.device.type, enabled=False):
            return torch.matmul(left.float(), right.float())
    return torch.matmul(left, right)


class LocalPosition(nn.Conv2d):
    """Position lambdas of an m x m scope: one convolution of the values (b*v, u, H, W) to lambdas (b*v, k, H, W)."""

    def __init__(self, k: int, u: int, m: int, bias: bool) -> None:
        super().__init__(u, k, m, padding=m // 2, bias=bias)


class GlobalPosition(nn.Module):
    """Position lambdas of global scope: relative embeddings gathered into an n x n map, times the values.

    ``weight`` (k, u, 2H-1, 2W-1) is laid out as a convolution of that scope: the embedding of offset (dy, dx) is at
    [dy + H - 1, dx + W - 1]. Maps smaller than ``size`` use its middle.
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
        self.check(height, width)
        k, u = self.weight.shape[:2]
        n = height * width
        dy = _offsets(height, self.size[0], self.weight.device)
        dx = _offsets(width, self.size[1], self.weight.device)
        # (H, H) and (W, W) offsets to one (k, n, u, n) matrix: [k, y, x, u, y', x']
        maps = self.weight[:, :, dy[:, None, :, None], dx[None, :, None, :]].permute(0, 2, 3, 1, 4, 5)
        lambdas = torch.mm(values.reshape(-1, u * n), maps.reshape(k * n, u * n).t())
        lambdas = lambdas.view(-1, k, height, width)
        return lambdas if self.bias is None else lambdas + self.bias.to(lambdas.dtype).view(1, -1, 1, 1)

    def check(self, height: int, width: int) -> None:
        """Raise ArchitectureError for a map over ``size``."""
        check_map(height, width, self.size)


def _offsets(length: int, limit: int, device: torch.device) -> Tensor:
    positions = torch.arange(length, device=device)
    return positions[None, :] - positions[:, None] + limit - 1


class LambdaLayer(nn.Module):
    """A lambda layer: (b, ``dim``, H, W) to (b, ``dim_out``, H, W) (Bello, ICLR 2021, section 3).

    ``settings`` are those of :class:`lambda_arch.arch.Lambda`: ``k``, ``h``, ``u``, ``m`` and so on. With
    ``m="global"`` it needs ``size``, the largest H x W of its maps.

    ``evaluation`` is how it is computed: ``"canonical"``, module by module, as costs are counted; the name of another
    exact evaluation, such as ``"matrix/sum"``; or ``"auto"``, the fastest by a cost model for ``batch_size`` maps of
    ``size``. It can be changed at any time (:meth:`set_evaluation`) and is not part of the state.

    Key channels are ordered (k, u) and value channels (v, u), so that no product needs a copy of them.

    Raises ArchitectureError for heads that do not divide ``dim_out``, an even scope, or a global one without a size;
    SetupError for an unknown evaluation, or ``"auto"`` without a size.
    """

    def __init__(
        self,
        dim: int,
        dim_out: int | None = None,
        *,
        size: int | tuple[int, int] | None = None,
        evaluation: Evaluation | str = CANONICAL,
        batch_size: int = 1,
        **settings: Any,
    ) -> None:
        super().__init__()
        dim_out = dim if dim_out is None else dim_out
        layer = LAYERS[Lambda.letter](**settings)
        assert isinstance(layer, Lambda)
        k, h, u = layer.k, layer.h, layer.u
        check_heads("h", h, dim_out, "the output")
        self.settings = layer
        self.k, self.h, self.u, self.v = k, h, u, dim_out // h
        self.queries = nn.Conv2d(dim, h * k, 1, bias=False)
        self.query_norm = nn.BatchNorm2d(h * k) if layer.batch_norm else None
        if layer.content:
            self.keys = nn.Conv2d(dim, k * u, 1, bias=False)
        self.values = nn.Conv2d(dim, self.v * u, 1, bias=False)
        self.value_norm = nn.BatchNorm2d(self.v * u) if layer.batch_norm else None
        self.content = ContentLambda(layer.key_norm) if layer.content else None
        self.apply_content = ApplyContent() if layer.content else None
        self.position = _position(layer, size) if layer.position else None
        self.apply_position = ApplyPosition() if layer.position else None
        self.size = (size, size) if isinstance(size, int) else None if size is None else (size[0], size[1])
        self.evaluation = CANONICAL
        self.reset_parameters()
        self.set_evaluation(evaluation, batch_size)

    def set_evaluation(
        self,
        evaluation: Evaluation | str,
        batch_size: int = 1,
        device: str | None = None,
        training: bool = False,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Use ``evaluation`` from now on; ``"auto"`` is a cost model's choice for ``batch_size`` maps.

        It chooses for a type of ``device`` and a ``dtype`` (that of autocast), by default the layer's own, and for
        inference or ``training``.

        Raises SetupError for an unknown evaluation, or ``"auto"`` without a size.
        """
        if evaluation == "auto":
            weight = self.queries.weight
            evaluation = choose(
                self.layer_shape(batch_size), device or weight.device.type, training, dtype=dtype or weight.dtype
            )
        self.evaluation = parse_evaluation(evaluation) if isinstance(evaluation, str) else evaluation

    def layer_shape(self, batch_size: int = 1, size: tuple[int, int] | None = None) -> LayerShape:
        """Return the shape of the computation for ``batch_size`` maps of ``size``, by default that of construction.

        Raises SetupError if neither size is known.
        """
        size = size or self.size
        if size is None:
            raise SetupError("evaluation=auto: expected size, the H x W of the maps, such as size=14")
        scope = None if self.position is None else (self.position.weight.shape[2], self.position.weight.shape[3])
        global_scope = isinstance(self.position, GlobalPosition)
        return LayerShape(
            batch_size, *size, self.h, self.k, self.u, self.v, scope, self.content is not None, global_scope
        )

    def extra_repr(self) -> str:
        """Return what ``print(module)`` shows of it."""
        return "" if self.evaluation == CANONICAL else f"evaluation={self.evaluation}"

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
        """Return the layer that github.com/lucidrains/lambda-networks makes of these arguments.

        ``r`` is the scope of local position lambdas, which have a bias; without it ``n`` is the side of the maps of
        global ones.

        Raises ArchitectureError without either of them, and whatever the constructor raises.
        """
        if r is None and n is None:
            raise ArchitectureError(
                "expected r, the scope of local position lambdas, or n, the side of the maps of global ones"
            )
        m: int | Literal["global"] = "global" if r is None else r
        return cls(dim, dim_out, k=dim_k, h=heads, u=dim_u, m=m, size=n if r is None else None, bias=r is not None)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the constructor for such a layer, as plain values."""
        dims = {"dim": self.queries.in_channels, "dim_out": self.v * self.h}
        return {**dims, **asdict(self.settings), "size": self.size}

    def reset_parameters(self) -> None:
        """Initialise: projections of unit gain (queries scaled down by sqrt(k)), embeddings small, norms neutral."""
        dim = self.queries.in_channels
        nn.init.normal_(self.queries.weight, std=(dim * self.k) ** -0.5)
        if self.content is not None:
            nn.init.normal_(self.keys.weight, std=dim**-0.5)
        nn.init.normal_(self.values.weight, std=dim**-0.5)
        for norm in (self.query_norm, self.value_norm):
            if norm is not None:
                norm.reset_parameters()
        if self.position is not None:
            reach = math.prod(self.position.weight.shape[1:])
            nn.init.normal_(self.position.weight, std=reach**-0.5)
            if self.position.bias is not None:
                nn.init.zeros_(self.position.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim_out, H, W) from x (b, dim, H, W)."""
        b, _, height, width = x.shape
        n = height * width
        queries, values = self.queries(x), self.values(x)
        if self.query_norm is not None and self.value_norm is not None:
            queries, values = self.query_norm(queries), self.value_norm(values)
        queries = shaped_queries(contiguous_gradient(queries), self.h, self.settings.query_softmax)
        values = contiguous_gradient(values).reshape(b, self.v, self.u, n)
        if self.evaluation.order != "canonical":
            weights = None
            if self.content is not None:
                keys = self.keys(x).reshape(b, self.k, self.u, n)
                weights = content_weights(keys, values.dtype, self.content.norm)
            kernel, bias = (None, None) if self.position is None else (self.position.weight, self.position.bias)
            if isinstance(self.position, GlobalPosition):
                self.position.check(height, width)
            values = values.view(b, self.v, self.u, height, width)
            outputs = evaluate(self.evaluation, queries, weights, values, kernel, bias)
            return outputs.reshape(b, -1, height, width)
        parts = []
        if self.content is not None and self.apply_content is not None:
            keys = self.keys(x).reshape(b, self.k, self.u, n)
            parts.append(self.apply_content(queries, self.content(keys, values)))
        if self.position is not None and self.apply_position is not None:
            lambdas = self.position(values.reshape(b * self.v, self.u, height, width))
            parts.append(self.apply_position(queries, lambdas.reshape(b, self.v, self.k, n)))
        output: Tensor = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return output.reshape(b, -1, height, width)


@module_of(Lambda)
def lambda_layer(part: Part) -> LambdaLayer:
    """Return the layer of a part."""
    return LambdaLayer(part.dim, part.dim_out, size=part.size, **asdict(part.settings))


def _position(layer: Lambda, size: int | tuple[int, int] | None) -> LocalPosition | GlobalPosition:
    if layer.m != "global":
        return LocalPosition(layer.k, layer.u, layer.m, layer.bias)
    return GlobalPosition(layer.k, layer.u, largest_map(size), layer.bias)
