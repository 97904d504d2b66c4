"""Modules shared by families: convolutions with their norms, squeeze-excitation, the classifier."""

import math
from collections import OrderedDict

from torch import Tensor, nn

from lambda_arch.arch import Head, Part, module_of
from lambda_arch.arch.resnet_tables import Activation

ACTIVATIONS: dict[Activation, type[nn.ReLU | nn.SiLU]] = {"relu": nn.ReLU, "silu": nn.SiLU}


def conv(dim: int, dim_out: int, kernel: int, stride: int = 1, *, bias: bool = False, groups: int = 1) -> nn.Conv2d:
    """Return a half-padded convolution, initialised for a following ReLU (He et al. 2015, fan-out mode)."""
    module = nn.Conv2d(dim, dim_out, kernel, stride, kernel // 2, groups=groups, bias=bias)
    nn.init.normal_(module.weight, std=math.sqrt(2 * groups / (kernel**2 * dim_out)))
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


class ConvNorm(nn.Sequential):
    """A convolution, its batch norm and, unless it is None, an ``activation``."""

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


def pooled_linear(dim: int, classes: int) -> nn.Sequential:
    """Return global average pooling and a linear classifier: (b, dim, H, W) to logits (b, classes)."""
    return nn.Sequential(OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(dim, classes)))


class SqueezeExcitation(nn.Module):
    """Squeeze-excitation (Hu et al. 2018), with ``hidden`` channels between the squeeze and the excitation."""

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


@module_of(Head)
def head(part: Part) -> nn.Sequential:
    """Return a head: (b, dim, H, W) to logits (b, classes)."""
    return pooled_linear(part.dim, part.settings.classes)
