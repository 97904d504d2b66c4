"""What a ResNet is made of: stems, bottleneck blocks, squeeze-excitation."""

import math
from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn

from lambda_arch import arch
from lambda_arch.arch import EXPANSION, Block, Lambda
from lambda_arch.arch.resnet import STEM_WIDTHS, Activation, Pool
from lambda_arch.nn import attention
from lambda_arch.nn.lambda_layer import LambdaLayer

ACTIVATIONS: dict[Activation, type[nn.ReLU | nn.SiLU]] = {"relu": nn.ReLU, "silu": nn.SiLU}


def conv(dim: int, dim_out: int, kernel: int, stride: int = 1, *, bias: bool = False, groups: int = 1) -> nn.Conv2d:
    """Return a half-padded convolution, initialised for the ReLU after it (He et al. 2015, by its fan out)."""
    module = nn.Conv2d(dim, dim_out, kernel, stride, kernel // 2, groups=groups, bias=bias)
    nn.init.normal_(module.weight, std=math.sqrt(2 * groups / (kernel**2 * dim_out)))
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


class ConvNorm(nn.Sequential):
    """A convolution, its batch norm and an ``activation``, unless that is None."""

    def __init__(
        self,
        dim: int,
        dim_out: int,
        kernel: int,
        stride: int = 1,
        *,
        bias: bool = False,
        groups: int = 1,
        activation: Activation | None = "relu",
    ) -> None:
        parts: list[tuple[str, nn.Module]] = [
            ("conv", conv(dim, dim_out, kernel, stride, bias=bias, groups=groups)),
            ("norm", nn.BatchNorm2d(dim_out)),
        ]
        if activation is not None:
            parts.append((activation, ACTIVATIONS[activation](inplace=True)))
        super().__init__(OrderedDict(parts))


def stem(kind: str, activation: Activation = "relu") -> nn.Sequential:
    """Return the stem ``kind``: (b, 3, S, S) to (b, 64, S/4, S/4)."""
    dims = (3, *STEM_WIDTHS[kind])
    kernel = 7 if kind == "7x7" else 3
    parts: dict[str, nn.Module] = {
        str(i): ConvNorm(dim, dim_out, kernel, 2 if i == 1 else 1, activation=activation)
        for i, (dim, dim_out) in enumerate(pairwise(dims), 1)
    }
    strided = kind == "rs"
    parts["pool"] = ConvNorm(64, 64, 3, 2, activation=activation) if strided else nn.MaxPool2d(3, 2, 1)
    return nn.Sequential(OrderedDict(parts))


def pooled_linear(dim: int, classes: int) -> nn.Sequential:
    """Return the head: (b, dim, H, W) to logits (b, classes), a linear classifier of the channels' means."""
    return nn.Sequential(OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(dim, classes)))


class SqueezeExcitation(nn.Module):
    """Channels scaled by a gate computed from their means (Hu et al. 2018), with ``hidden`` channels between."""

    def __init__(self, dim: int, hidden: int, activation: type[nn.ReLU | nn.SiLU] = nn.ReLU) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = conv(dim, hidden, 1, bias=True)
        self.activation = activation(inplace=True)
        self.expand = conv(hidden, dim, 1, bias=True)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return x (b, dim, H, W), scaled."""
        scale: Tensor = self.gate(self.expand(self.activation(self.reduce(self.pool(x)))))
        return x * scale


class Bottleneck(nn.Module):
    """1x1 convolution, spatial layer, 1x1 convolution, and a shortcut.

    A convolution strides itself, augmented or not; a lambda layer is followed by an average-pool of 3x3, or 2x2 where
    ``pool`` says so, and by none where it is None; the attention layers that take its place by a 2x2 one, as their
    papers have it. A double attention block comes last.
    """

    def __init__(
        self,
        block: Block,
        dim: int,
        width: int,
        stride: int,
        size: int,
        *,
        pool: Pool | None,
        shortcut: bool,
        shortcut_bias: bool,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        dim_out = EXPANSION * width
        self.reduce = ConvNorm(dim, width, 1, activation=activation)
        spatial: list[tuple[str, nn.Module]]
        if isinstance(block.layer, Lambda):
            spatial = [("lambdas", LambdaLayer.of(block.layer, width, size))]
            if pool is not None:
                two = pool == "2x2"
                spatial.append(("pool", nn.AvgPool2d(2, stride, ceil_mode=True) if two else nn.AvgPool2d(3, stride, 1)))
        elif isinstance(block.layer, arch.AugmentedConvolution):
            spatial = [("augmented", _augmented(block.layer, width, stride, size))]
        elif isinstance(block.layer, arch.GlobalAttention | arch.AxialAttention | arch.LocalAttention):
            spatial = [("attention", _attention(block.layer, width, size))]
            if stride > 1:
                spatial.append(("pool", nn.AvgPool2d(2, stride, ceil_mode=True)))
        else:
            spatial = [("conv", conv(width, width, 3, stride))]
        spatial += [("norm", nn.BatchNorm2d(width)), (activation, ACTIVATIONS[activation](inplace=True))]
        self.spatial = nn.Sequential(OrderedDict(spatial))
        self.expand = ConvNorm(width, dim_out, 1, activation=None)
        self.se = SqueezeExcitation(dim_out, max(1, int(dim_out * block.se))) if block.se else None
        self.shortcut = ConvNorm(dim, dim_out, 1, stride, bias=shortcut_bias, activation=None) if shortcut else None
        self.activation = ACTIVATIONS[activation](inplace=True)
        self.attention = (
            attention.DoubleAttention(dim_out, reduction=block.layer.reduction)
            if isinstance(block.layer, arch.DoubleAttention)
            else None
        )
        # every block starts as its shortcut (Goyal et al. 2017, section 5.1)
        nn.init.zeros_(self.expand.get_submodule("norm").weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, 4 * width, H / stride, W / stride) from x (b, dim, H, W)."""
        y: Tensor = self.expand(self.spatial(self.reduce(x)))
        if self.se is not None:
            y = self.se(y)
        y += x if self.shortcut is None else self.shortcut(x)
        y = self.activation(y)
        return y if self.attention is None else self.attention(y)


def _attention(
    layer: arch.GlobalAttention | arch.AxialAttention | arch.LocalAttention, width: int, size: int
) -> nn.Module:
    if isinstance(layer, arch.LocalAttention):
        return attention.LocalAttention(width, heads=layer.heads, extent=layer.extent)
    kind = attention.GlobalAttention if isinstance(layer, arch.GlobalAttention) else attention.AxialAttention
    return kind(width, heads=layer.heads, size=size)


def _augmented(layer: arch.AugmentedConvolution, width: int, stride: int, size: int) -> nn.Module:
    key_dim, value_dim = layer.depths(width)
    return attention.AugmentedConvolution(
        width,
        heads=layer.heads,
        key_dim=key_dim,
        value_dim=value_dim,
        size=size,
        stride=stride,
        downsample=layer.downsample,
    )
