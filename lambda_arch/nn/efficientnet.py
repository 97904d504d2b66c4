"""EfficientNets, module for module what an architecture names."""

from collections import OrderedDict

from torch import Tensor, nn

from lambda_arch import arch
from lambda_arch.arch.efficientnet import Stage, squeezed
from lambda_arch.nn.blocks import SqueezeExcitation, conv, pooled_linear

EPSILON = 1e-3
MOMENTUM = 0.01
"""Of the batch norms: the official implementation's (it writes the momentum as 0.99)."""


class EfficientNet(nn.Module):
    """The network of an architecture: images (b, 3, S, S) to logits (b, classes).

    Blocks are counted from 1: ``stage3.2`` is the second block of the third stage. Dropout and stochastic depth belong
    to a training recipe and are not in it.
    """

    def __init__(self, architecture: arch.EfficientNet) -> None:
        super().__init__()
        self.architecture = architecture
        self.stem = ConvNormSwish(3, architecture.stem_width, 3, 2)
        for i, stage in enumerate(architecture.stages, 1):
            blocks = {str(j + 1): MBConv(stage, first=j == 0) for j in range(stage.repeats)}
            self.add_module(f"stage{i}", nn.Sequential(OrderedDict(blocks)))
        dim, dim_out = architecture.stages[-1].dim_out, architecture.head_width
        self.head = nn.Sequential(
            OrderedDict(
                expand=ConvNormSwish(dim, dim_out, 1),
                **dict(pooled_linear(dim_out, architecture.classes).named_children()),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (b, classes) for images x (b, 3, H, W)."""
        for module in self.children():
            x = module(x)
        return x


class ConvNormSwish(nn.Sequential):
    """A convolution, its batch norm and, unless told otherwise, a swish (SiLU)."""

    def __init__(
        self, dim: int, dim_out: int, kernel: int, stride: int = 1, *, groups: int = 1, swish: bool = True
    ) -> None:
        parts: list[tuple[str, nn.Module]] = [
            ("conv", conv(dim, dim_out, kernel, stride, groups=groups)),
            ("norm", nn.BatchNorm2d(dim_out, EPSILON, MOMENTUM)),
        ]
        if swish:
            parts.append(("swish", nn.SiLU(inplace=True)))
        super().__init__(OrderedDict(parts))


class MBConv(nn.Module):
    """An inverted bottleneck (Sandler et al. 2018) with squeeze-excitation: widen, convolve depthwise, scale, project.

    ``first`` of its stage: it strides and changes the channels, and has no shortcut.
    """

    def __init__(self, stage: Stage, *, first: bool) -> None:
        super().__init__()
        dim = stage.dim if first else stage.dim_out
        wide = dim * stage.expansion
        stride = stage.stride if first else 1
        self.shortcut = stride == 1 and dim == stage.dim_out
        parts: dict[str, nn.Module] = {}
        if stage.expansion > 1:
            parts["expand"] = ConvNormSwish(dim, wide, 1)
        parts["depthwise"] = ConvNormSwish(wide, wide, stage.kernel, stride, groups=wide)
        parts["se"] = SqueezeExcitation(wide, squeezed(dim), nn.SiLU)
        parts["project"] = ConvNormSwish(wide, stage.dim_out, 1, swish=False)
        for name, module in parts.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim_out, H / stride, W / stride) from x (b, dim, H, W)."""
        y = x
        for module in self.children():
            y = module(y)
        return x + y if self.shortcut else y
