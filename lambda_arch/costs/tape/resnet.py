"""What the parts of ResNets, MobileNets and EfficientNets allocate."""

from lambda_arch.arch import (
    EXPANSION,
    STEM_WIDTHS,
    Bottleneck,
    Convolution,
    DoubleAttention,
    Part,
    Stem,
    efficientnet,
    halve,
    mobilenet,
    spatial_part,
)
from lambda_arch.costs.tape import elementwise, reductions
from lambda_arch.costs.tape.attention import double_attention
from lambda_arch.costs.tape.modules import (
    activated,
    allocates,
    call,
    conv_norm,
    convolution,
    norm,
    pooled_linear,
    run,
    squeeze_excitation,
)
from lambda_arch.costs.tape.tape import Tape, Tensor


@allocates(Stem)
def stem(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """A ResNet's stem."""
    kind, activation, half = part.settings.kind, part.settings.activation, halve(part.size)
    y = x
    for i, width in enumerate(STEM_WIDTHS[kind], 1):
        area = 49 if kind == "7x7" else 9
        y = call(lambda y, i=i, w=width, a=area: conv_norm(tape, f"stem.{i}", w, a, half, y, activation=activation), y)
    if kind == "rs":
        return conv_norm(tape, "stem.pool", y.shape[1], 9, part.size_out, y, activation=activation)
    with tape.at("stem.pool"):
        return reductions.max_pool(tape, y, part.size_out)


@allocates(Bottleneck)
def bottleneck(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """A bottleneck block."""
    path, block, out = part.path, part.settings.block, part.size_out
    activation, width = part.settings.activation, part.dim_out // EXPANSION
    y = conv_norm(tape, f"{path}.reduce", width, 1, part.size, x, activation=activation)
    y = call(_spatial, tape, part, y)
    y = conv_norm(tape, f"{path}.expand", part.dim_out, 1, out, y, activation=None)
    if block.se:
        y = squeeze_excitation(tape, f"{path}.se", block.squeezed(part.dim_out), "relu", y)
    if part.first:
        bias = part.settings.shortcut_bias
        shortcut = conv_norm(tape, f"{path}.shortcut", part.dim_out, 1, out, x, bias=bias, activation=None)
    else:
        shortcut = x
    y = elementwise.add(tape, y, shortcut, in_place=True)
    del shortcut
    y = activated(tape, f"{path}.expand", activation, y)
    if isinstance(block.layer, DoubleAttention):
        y = call(double_attention, tape, f"{path}.attention", block.layer, y)
    return y


def _spatial(tape: Tape, part: Part, x: Tensor) -> Tensor:
    inner = spatial_part(part)
    path = f"{part.path}.spatial"
    y = call(run, tape, inner, x)
    if inner.pool is not None:
        with tape.at(f"{path}.pool"):
            y = reductions.average_pool(tape, y, part.size_out)
    y = norm(tape, f"{path}.norm", y)
    return activated(tape, path, part.settings.activation, y)


@allocates(Convolution, DoubleAttention)
def convolution3x3(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """A 3x3 convolution."""
    return convolution(tape, part.path, part.dim_out, 9, part.size_out, x)


@allocates(mobilenet.Stem)
def mobilenet_stem(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """A MobileNet's stem."""
    return conv_norm(tape, part.path, part.dim_out, 9, part.size_out, x)


@allocates(mobilenet.Separable)
def separable(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """A depthwise-separable block."""
    y = conv_norm(tape, f"{part.path}.depthwise", part.dim, 9, part.size_out, x, groups=part.dim)
    return conv_norm(tape, f"{part.path}.pointwise", part.dim_out, 1, part.size_out, y)


@allocates(efficientnet.Stem)
def efficientnet_stem(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """An EfficientNet's stem."""
    return conv_norm(tape, part.path, part.dim_out, 9, part.size_out, x, activation="silu")


@allocates(efficientnet.MBConv)
def mbconv(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """An inverted bottleneck."""
    path, settings, out = part.path, part.settings, part.size_out
    wide = part.dim * settings.expansion
    y = x
    if settings.expansion > 1:
        y = conv_norm(tape, f"{path}.expand", wide, 1, part.size, y, activation="silu")
    y = conv_norm(tape, f"{path}.depthwise", wide, settings.kernel**2, out, y, groups=wide, activation="silu")
    y = squeeze_excitation(tape, f"{path}.se", efficientnet.squeezed(part.dim), "silu", y)
    y = conv_norm(tape, f"{path}.project", part.dim_out, 1, out, y, activation=None)
    return elementwise.add(tape, x, y) if part.stride == 1 and part.dim == part.dim_out else y


@allocates(efficientnet.Head)
def efficientnet_head(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """An EfficientNet's head."""
    y = conv_norm(tape, f"{part.path}.expand", part.settings.width, 1, part.size, x, activation="silu")
    return pooled_linear(tape, part.path, part.settings.classes, y)
