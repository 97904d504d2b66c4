"""The parts of a MobileNet in closed form."""

from collections.abc import Iterator

from lambda_arch.arch import Part, formula_of
from lambda_arch.arch.mobilenet import Separable, Stem
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv_norm


@formula_of(Stem)
def stem(part: Part) -> Iterator[Row]:
    """Yield the rows of a stem."""
    return conv_norm(part.path, part.dim, part.dim_out, 9, part.size_out)


@formula_of(Separable)
def separable(part: Part) -> Iterator[Row]:
    """Yield the rows of a depthwise-separable block."""
    yield from conv_norm(f"{part.path}.depthwise", part.dim, part.dim, 9, part.size_out, groups=part.dim)
    yield from conv_norm(f"{part.path}.pointwise", part.dim, part.dim_out, 1, part.size_out)
