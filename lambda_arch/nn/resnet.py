"""The torch modules of ResNets and LambdaResNets: stems and bottleneck blocks."""

from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn

from lambda_arch import arch
from lambda_arch.arch import EXPANSION, STEM_WIDTHS, Convolution, Part, Stem, module_of, spatial_part
from lambda_arch.arch.kinds import MODULES, find
from lambda_arch.nn import attention
from lambda_arch.nn.blocks import ACTIVATIONS, ConvNorm, SqueezeExcitation, conv


@module_of(Stem)
def stem(part: Part) -> nn.Sequential:
    """Return a stem: (b, 3, S, S) to (b, 64, S/4, S/4)."""
    kind, activation = part.settings.kind, part.settings.activation
    dims = (part.dim, *STEM_WIDTHS[kind])
    kernel = 7 if kind == "7x7" else 3
    modules: dict[str, nn.Module] = {
        str(i): ConvNorm(dim, dim_out, kernel, 2 if i == 1 else 1, activation=activation)
        for i, (dim, dim_out) in enumerate(pairwise(dims), 1)
    }
    strided = kind == "rs"
    modules["pool"] = ConvNorm(dims[-1], dims[-1], 3, 2, activation=activation) if strided else nn.MaxPool2d(3, 2, 1)
    return nn.Sequential(OrderedDict(modules))


@module_of(arch.Bottleneck)
class Bottleneck(nn.Module):
    """1x1 convolution, spatial layer, 1x1 convolution, and a shortcut.

    Convolutions, augmented or not, stride themselves; other layers are followed by a 3x3 or 2x2 average pool. A double
    attention block comes last.
    """

    def __init__(self, part: Part) -> None:
        super().__init__()
        block, activation = part.settings.block, part.settings.activation
        dim, dim_out, stride = part.dim, part.dim_out, part.stride
        layer, width = block.layer, dim_out // EXPANSION
        self.reduce = ConvNorm(dim, width, 1, activation=activation)
        inner = spatial_part(part)
        spatial: list[tuple[str, nn.Module]] = [(layer.module, find(MODULES, inner)(inner))]
        if inner.pool is not None:
            two = inner.pool == "2x2"
            spatial.append(("pool", nn.AvgPool2d(2, stride, ceil_mode=True) if two else nn.AvgPool2d(3, stride, 1)))
        spatial += [("norm", nn.BatchNorm2d(width)), (activation, ACTIVATIONS[activation](inplace=True))]
        self.spatial = nn.Sequential(OrderedDict(spatial))
        self.expand = ConvNorm(width, dim_out, 1, activation=None)
        self.se = SqueezeExcitation(dim_out, block.squeezed(dim_out)) if block.se else None
        bias = part.settings.shortcut_bias
        self.shortcut = ConvNorm(dim, dim_out, 1, stride, bias=bias, activation=None) if part.first else None
        self.activation = ACTIVATIONS[activation](inplace=True)
        self.attention = (
            attention.DoubleAttention(dim_out, reduction=layer.reduction)
            if isinstance(layer, arch.DoubleAttention)
            else None
        )
        # every block starts as its shortcut (Goyal et al. 2017, section 5.1)
        nn.init.zeros_(self.expand.get_submodule("norm").weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Return (b, dim_out, H / stride, W / stride) from x (b, dim, H, W)."""
        y: Tensor = self.expand(self.spatial(self.reduce(x)))
        if self.se is not None:
            y = self.se(y)
        y += x if self.shortcut is None else self.shortcut(x)
        y = self.activation(y)
        return y if self.attention is None else self.attention(y)


@module_of(Convolution, arch.DoubleAttention)
def convolution(part: Part) -> nn.Conv2d:
    """Return a 3x3 convolution with the part's stride."""
    return conv(part.dim, part.dim_out, 3, part.stride)


@module_of(arch.GlobalAttention)
def global_attention(part: Part) -> nn.Module:
    """Return global self-attention."""
    return attention.GlobalAttention(part.dim, heads=part.settings.heads, size=part.size)


@module_of(arch.AxialAttention)
def axial_attention(part: Part) -> nn.Module:
    """Return axial self-attention."""
    return attention.AxialAttention(part.dim, heads=part.settings.heads, size=part.size)


@module_of(arch.LocalAttention)
def local_attention(part: Part) -> nn.Module:
    """Return local self-attention."""
    return attention.LocalAttention(part.dim, heads=part.settings.heads, extent=part.settings.extent)


@module_of(arch.AugmentedConvolution)
def augmented_convolution(part: Part) -> nn.Module:
    """Return an attention-augmented convolution with the part's stride."""
    layer = part.settings
    key_dim, value_dim = layer.depths(part.dim)
    return attention.AugmentedConvolution(
        part.dim,
        heads=layer.heads,
        key_dim=key_dim,
        value_dim=value_dim,
        size=part.size,
        stride=part.stride,
        downsample=layer.downsample,
    )
