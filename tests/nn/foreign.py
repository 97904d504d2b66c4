"""Small re-creations of the layouts that are converted, from their documented names, shapes and channel orders.

Every lambda layer computes by the same few lines, written for any order of the channels; what differs is how a code
base names, fuses and orders its weights.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def lambdas(queries: Tensor, keys: Tensor, values: Tensor, embeddings: Tensor, bias: Tensor | None) -> Tensor:
    """Queries (b, h, k, H, W), keys (b, k, u, H, W), values (b, v, u, H, W), embeddings (k, u, m, m)."""
    weights = keys.flatten(3).softmax(-1).unflatten(3, keys.shape[3:])
    content = torch.einsum("bkuyx,bvuyx->bvk", weights, values)[..., None, None]
    position = torch.stack(
        [F.conv2d(value, embeddings, bias, padding=embeddings.shape[-1] // 2) for value in values.unbind(1)], 1
    )
    return torch.einsum("bhkyx,bvkyx->bhvyx", queries, content + position).flatten(1, 2)


def project(dim: int, dim_out: int) -> nn.Conv2d:
    return nn.Conv2d(dim, dim_out, 1, bias=False)


class Fused(nn.Module):
    """d-li14: one projection for queries, keys and values; channels ordered (u, k) and (u, v)."""

    def __init__(self, dim: int, k: int = 16, h: int = 4, u: int = 1, m: int = 23, stride: int = 1) -> None:
        super().__init__()
        self.k, self.h, self.u, self.v = k, h, u, dim // h
        self.conv_qkv = project(dim, h * k + k * u + self.v * u)
        self.norm_q, self.norm_v = nn.BatchNorm2d(h * k), nn.BatchNorm2d(self.v * u)
        self.lambda_conv = nn.Conv3d(u, k, (1, m, m))
        self.pool = nn.AvgPool2d(3, 2, 1) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h, k, u, v = self.h, self.k, self.u, self.v
        qkv = self.conv_qkv(x)
        queries = self.norm_q(qkv[:, : h * k]).unflatten(1, (h, k))
        keys = qkv[:, h * k : h * k + k * u].unflatten(1, (u, k)).transpose(1, 2)
        values = self.norm_v(qkv[:, h * k + k * u :]).unflatten(1, (u, v)).transpose(1, 2)
        return self.pool(lambdas(queries, keys, values, self.lambda_conv.weight[:, :, 0], self.lambda_conv.bias))


class Separate(nn.Module):
    """leaderj1001: pairs of projection and norm; channels ordered (k, u) and (v, u); a parameter, without bias."""

    def __init__(self, dim: int, k: int = 16, h: int = 4, u: int = 1, m: int = 23) -> None:
        super().__init__()
        self.k, self.h, self.u, self.v = k, h, u, dim // h
        self.queries = nn.Sequential(project(dim, h * k), nn.BatchNorm2d(h * k))
        self.keys = nn.Sequential(project(dim, k * u))
        self.values = nn.Sequential(project(dim, self.v * u), nn.BatchNorm2d(self.v * u))
        self.embedding = nn.Parameter(torch.randn(k, u, 1, m, m))

    def forward(self, x: Tensor) -> Tensor:
        queries = self.queries(x).unflatten(1, (self.h, self.k))
        keys, values = self.keys(x).unflatten(1, (self.k, self.u)), self.values(x).unflatten(1, (self.v, self.u))
        return lambdas(queries, keys, values, self.embedding[:, :, 0], None)


class Bottleneck(nn.Module):
    """conv1, bn1, conv2 and what follows it, conv3, bn3; ``projection`` is the name of the shortcut's two modules."""

    def __init__(
        self, dim: int, width: int, spatial: dict[str, nn.Module], projection: str, bias: bool, stride: int, first: bool
    ) -> None:
        super().__init__()
        self.conv1, self.bn1 = project(dim, width), nn.BatchNorm2d(width)
        for name, module in spatial.items():
            self.add_module(name, module)
        self.spatial_names = tuple(spatial)
        self.conv3, self.bn3 = project(width, 4 * width), nn.BatchNorm2d(4 * width)
        convolution = nn.Conv2d(dim, 4 * width, 1, stride, bias=bias)
        self.add_module(projection, nn.Sequential(*([convolution, nn.BatchNorm2d(4 * width)] if first else [])))
        self.projection = projection

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        for name in self.spatial_names:
            y = self.get_submodule(name)(y)
        return (self.bn3(self.conv3(y.relu())) + self.get_submodule(self.projection)(x)).relu()


class ForeignResNet(nn.Module):
    def __init__(self, make: Callable[..., Bottleneck], head: Callable[[nn.Linear], nn.Module], classes: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        dim = 64
        for i, width in enumerate((64, 128, 256, 512)):
            blocks = []
            for first in (True, False):
                blocks.append(make(dim, width, 2 if first and i else 1, first))
                dim = 4 * width
            self.add_module(f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = head(nn.Linear(dim, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for i in range(1, 5):
            x = self.get_submodule(f"layer{i}")(x)
        return self.fc(x.mean((2, 3)))


def d_li14(classes: int = 10, **settings: int) -> nn.Module:
    def make(dim: int, width: int, stride: int, first: bool) -> Bottleneck:
        spatial = {"conv2": Fused(width, stride=stride, **settings), "bn2": nn.BatchNorm2d(width)}
        return Bottleneck(dim, width, spatial, "downsample", False, stride, first)

    return ForeignResNet(make, lambda linear: linear, classes)


def leaderj1001(classes: int = 10, **settings: int) -> nn.Module:
    def make(dim: int, width: int, stride: int, first: bool) -> Bottleneck:
        pool = [nn.AvgPool2d(3, stride, 1)] if first else []  # in the first block of layer1 too
        conv2 = nn.Sequential(Separate(width, **settings), *pool, nn.BatchNorm2d(width), nn.ReLU())
        return Bottleneck(dim, width, {"conv2": conv2}, "shortcut", True, stride, first)

    return ForeignResNet(make, partial(nn.Sequential, nn.Dropout(0.3)), classes)


def leaderj1001_plain(classes: int = 10) -> nn.Module:
    def make(dim: int, width: int, stride: int, first: bool) -> Bottleneck:
        spatial = {"conv2": nn.Conv2d(width, width, 3, padding=1, bias=False), "bn2": nn.BatchNorm2d(width)}
        return Bottleneck(dim, width, spatial, "shortcut", True, 1, first)

    return ForeignResNet(make, partial(nn.Sequential, nn.Dropout(0.3)), classes)


class LambdaMobileNet(nn.Module):
    """lambda-mobilenets: a sequence ``model`` with gaps for removed layers, of lucidrains' lambda layers."""

    DIMS = (32, 64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
    STRIDED = (2, 4, 6, 12)

    def __init__(self, pattern: str, layer: Callable[[int, int], nn.Module], classes: int = 10) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        layers: list[nn.Module] = [stem]
        for i, letter in enumerate(pattern[1:], 1):
            dim, dim_out = self.DIMS[i - 1 : i + 1]
            stride = 2 if i in self.STRIDED else 1
            kinds: dict[str, Callable[[], nn.Module]] = {
                "C": lambda a=dim, b=dim_out, s=stride: nn.Sequential(
                    nn.Conv2d(a, a, 3, s, 1, groups=a, bias=False), nn.BatchNorm2d(a), nn.ReLU(),
                    project(a, b), nn.BatchNorm2d(b), nn.ReLU(),
                ),
                "L": lambda a=dim, b=dim_out: layer(a, b),
                "-": nn.Identity,
            }  # fmt: skip
            layers.append(kinds[letter]())
        self.model, self.fc = nn.Sequential(*layers), nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.model(x).mean((2, 3)))


class TimmConv(nn.Module):
    """timm: a convolution ``conv`` and its norm ``bn``."""

    def __init__(self, dim: int, dim_out: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim_out, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(dim_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class TimmLambda(nn.Module):
    """timm: one projection; r x r embeddings in a 3D convolution whose last axis is the slice, or ``pos_emb``."""

    def __init__(self, dim: int, stride: int, r: int | None, side: int, k: int = 16, h: int = 4) -> None:
        super().__init__()
        self.k, self.h, self.v, self.r = k, h, dim // h, r
        self.qkv = project(dim, h * k + k + self.v)
        self.norm_q, self.norm_v = nn.BatchNorm2d(h * k), nn.BatchNorm2d(self.v)
        if r is None:
            self.pos_emb = nn.Parameter(torch.randn(2 * side - 1, 2 * side - 1, k))
        else:
            self.conv_lambda = nn.Conv3d(1, k, (r, r, 1))
        self.pool = nn.AvgPool2d(2, 2) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        queries, keys, values = self.qkv(x).split([self.h * self.k, self.k, self.v], 1)
        queries, values = self.norm_q(queries).unflatten(1, (self.h, self.k)), self.norm_v(values).unsqueeze(2)
        if self.r is None:
            embeddings, bias = self.pos_emb.permute(2, 0, 1), None
        else:
            embeddings, bias = self.conv_lambda.weight[:, 0, :, :, 0], self.conv_lambda.bias
        return self.pool(lambdas(queries, keys.unsqueeze(2), values, embeddings.unsqueeze(1), bias))


class TimmBlock(nn.Module):
    """timm: conv1_1x1, conv2_kxk (or self_attn and post_attn), conv3_1x1; the first of a stage has a shortcut."""

    def __init__(
        self, dim: int, width: int, stride: int, first: bool, attention: TimmLambda | None, silu: bool
    ) -> None:
        super().__init__()
        self.act = F.silu if silu else F.relu
        self.conv1_1x1 = TimmConv(dim, width)
        if attention is None:
            self.conv2_kxk = TimmConv(width, width, 3, stride)
        else:
            self.self_attn, self.post_attn = attention, nn.BatchNorm2d(width)
        self.is_lambda = attention is not None
        self.conv3_1x1 = TimmConv(width, 4 * width)
        self.shortcut = TimmConv(dim, 4 * width, 1, stride) if first else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.conv1_1x1(x))
        y = self.post_attn(self.self_attn(y)) if self.is_lambda else self.conv2_kxk(y)
        return self.act(self.conv3_1x1(self.act(y)) + (x if self.shortcut is None else self.shortcut(x)))


class TimmResNet(nn.Module):
    """timm: a tiered stem, ``stages`` by letter, ``head.fc``; ``r`` is None for relative embeddings."""

    def __init__(self, stages: str, r: int | None, silu: bool = False, image_size: int = 32, classes: int = 10) -> None:
        super().__init__()
        self.act = F.silu if silu else F.relu
        dims = (3, 24, 32, 64)
        self.stem = nn.Module()
        for i in (1, 2, 3):
            self.stem.add_module(f"conv{i}", TimmConv(dims[i - 1], dims[i], 3, 2 if i == 1 else 1))
        dim, side, made = 64, image_size // 4, []
        for i, letters in enumerate(stages.split("-")):
            blocks = []
            for j, letter in enumerate(letters):
                stride, width = 2 if i and not j else 1, 64 * 2**i
                attention = TimmLambda(width, stride, r, side) if letter == "L" else None
                blocks.append(TimmBlock(dim, width, stride, j == 0, attention, silu))
                dim, side = 4 * width, side // stride
            made.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*made)
        self.head = nn.Module()
        self.head.fc = nn.Linear(dim, classes)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.stem.children():
            x = self.act(convolution(x))
        return self.head.fc(self.stages(F.max_pool2d(x, 3, 2, 1)).mean((2, 3)))


def with_random_weights(module: nn.Module) -> nn.Module:
    """Return ``module`` in evaluation, as if trained: norms with statistics, embeddings small."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(7)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        else:
            fan = tensor[0].numel() if tensor.ndim > 1 else 100
            tensor.normal_(0, fan**-0.5, generator=generator)
            if tensor.ndim == 1 and name.endswith("weight"):
                tensor.add_(0.5)  # lambdas are products: larger ones would outgrow any number
    return module.eval()
