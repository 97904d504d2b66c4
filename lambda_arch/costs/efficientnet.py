"""The parts of an EfficientNet in closed form."""

from collections.abc import Iterator

from lambda_arch.arch import Part, formula_of
from lambda_arch.arch.efficientnet import Head, MBConv, Stem, squeezed
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv_norm, pooled_linear, squeeze_excitation


@formula_of(Stem)
def stem(part: Part) -> Iterator[Row]:
    """Yield the rows of a stem."""
    return conv_norm(part.path, part.dim, part.dim_out, 9, part.size_out)


@formula_of(MBConv)
def mbconv(part: Part) -> Iterator[Row]:
    """Yield the rows of an MBConv block."""
    path, settings, out = part.path, part.settings, part.size_out
    wide = part.dim * settings.expansion
    if settings.expansion > 1:
        yield from conv_norm(f"{path}.expand", part.dim, wide, 1, part.size)
    yield from conv_norm(f"{path}.depthwise", wide, wide, settings.kernel**2, out, groups=wide)
    yield from squeeze_excitation(f"{path}.se", wide, squeezed(part.dim), out)
    yield from conv_norm(f"{path}.project", wide, part.dim_out, 1, out)


@formula_of(Head)
def head(part: Part) -> Iterator[Row]:
    """Yield the rows of a head."""
    yield from conv_norm(f"{part.path}.expand", part.dim, part.settings.width, 1, part.size)
    yield from pooled_linear(part.path, part.settings.width, part.settings.classes, part.size)
