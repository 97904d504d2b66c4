"""The parts of a ResNet in closed form."""

from collections.abc import Iterator

from lambda_arch.arch import (
    EXPANSION,
    STEM_WIDTHS,
    Bottleneck,
    Convolution,
    DoubleAttention,
    Part,
    Stem,
    formula_of,
    halve,
    spatial_part,
)
from lambda_arch.costs.attention import double_attention
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv, conv_norm, norm, rows, squeeze_excitation


@formula_of(Stem)
def stem(part: Part) -> Iterator[Row]:
    """Yield the rows of a stem."""
    kind, half, dim = part.settings.kind, halve(part.size), part.dim
    for i, width in enumerate(STEM_WIDTHS[kind], 1):
        yield from conv_norm(f"{part.path}.{i}", dim, width, 49 if kind == "7x7" else 9, half)
        dim = width
    if kind == "rs":
        yield from conv_norm(f"{part.path}.pool", dim, dim, 9, part.size_out)
    else:
        yield Row(f"{part.path}.pool", "max_pool", (1, dim, part.size_out, part.size_out))


@formula_of(Bottleneck)
def bottleneck(part: Part) -> Iterator[Row]:
    """Yield the rows of a bottleneck block."""
    path, block, size, out = part.path, part.settings.block, part.size, part.size_out
    width = part.dim_out // EXPANSION
    yield from conv_norm(f"{path}.reduce", part.dim, width, 1, size)
    spatial = spatial_part(part)
    yield from rows(spatial)
    if spatial.pool is not None:
        yield Row(f"{path}.spatial.pool", "avg_pool", (1, width, out, out))
    yield norm(f"{path}.spatial.norm", width, out)
    yield from conv_norm(f"{path}.expand", width, part.dim_out, 1, out)
    if block.se:
        yield from squeeze_excitation(f"{path}.se", part.dim_out, block.squeezed(part.dim_out), out)
    if part.first:
        yield from conv_norm(f"{path}.shortcut", part.dim, part.dim_out, 1, out, bias=part.settings.shortcut_bias)
    if isinstance(block.layer, DoubleAttention):
        yield from double_attention(f"{path}.attention", block.layer, part.dim_out, out)


@formula_of(Convolution, DoubleAttention)
def convolution(part: Part) -> Iterator[Row]:
    """Yield the row of a 3x3 convolution."""
    yield conv(part.path, part.dim, part.dim_out, 9, part.size_out)
