"""The torch modules of EfficientNets."""

from collections import OrderedDict

from torch import Tensor, nn

from lambda_arch.arch import Part, efficientnet, module_of
from lambda_arch.arch.efficientnet import squeezed
from lambda_arch.nn.blocks import SqueezeExcitation, conv, pooled_linear

EPSILON = 1e-3
MOMENTUM = 0.01
"""Of the batch norms, as in the official implementation (which writes the momentum as 0.99)."""


class ConvNormSwish(nn.Sequential):
    """A convolution, its batch norm and, if ``swish``, a SiLU."""

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


@module_of(efficientnet.MBConv)
class MBConv(nn.Module):
    """An inverted bottleneck (Sandler et al. 2018) with squeeze-excitation.

    Blocks that stride or change the channels have no shortcut.
    """

    def __init__(self, part: Part) -> None:
        super().__init__()
        settings, dim = part.settings, part.dim
        wide = dim * settings.expansion
        self.shortcut = part.stride == 1 and dim == part.dim_out
        modules: dict[str, nn.Module] = {}
        if settings.expansion > 1:
            modules["expand"] = ConvNormSwish(dim, wide, 1)
        modules["depthwise"] = ConvNormSwish(wide, wide, settings.kernel, part.stride, groups=wide)
        modules["se"] = SqueezeExcitation(wide, squeezed(dim), nn.SiLU)
        modules["project"] = ConvNormSwish(wide, part.dim_out, 1, swish=False)
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim_out, H / stride, W / stride) from x (b, dim, H, W)."""
        y = x
        for module in self.children():
            y = module(y)
        return x + y if self.shortcut else y


@module_of(efficientnet.Stem)
def stem(part: Part) -> nn.Sequential:
    """Return a stem, of stride 2."""
    return ConvNormSwish(part.dim, part.dim_out, 3, 2)


@module_of(efficientnet.Head)
def head(part: Part) -> nn.Sequential:
    """Return a head: (b, dim, H, W) to logits (b, classes)."""
    width = part.settings.width
    classifier = pooled_linear(width, part.settings.classes)
    return nn.Sequential(OrderedDict(expand=ConvNormSwish(part.dim, width, 1), **dict(classifier.named_children())))
