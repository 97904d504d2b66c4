"""The first book of EfficientNets."""

from collections.abc import Iterator

from lambda_arch.arch import EfficientNet
from lambda_arch.arch.efficientnet import Stage, squeezed
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv_norm, halve, pooled_linear, squeeze_excitation


def efficientnet(architecture: EfficientNet) -> Iterator[Row]:
    """Yield the rows of an EfficientNet."""
    size = halve(architecture.image_size)
    yield from conv_norm("stem", 3, architecture.stem_width, 9, size)
    for i, stage in enumerate(architecture.stages, 1):
        for j in range(stage.repeats):
            yield from _mbconv(f"stage{i}.{j + 1}", stage, first=j == 0, size=size)
            size = halve(size) if j == 0 and stage.stride == 2 else size
    last = architecture.stages[-1].dim_out
    yield from conv_norm("head.expand", last, architecture.head_width, 1, size)
    yield from pooled_linear("head", architecture.head_width, architecture.classes, size)


def _mbconv(path: str, stage: Stage, *, first: bool, size: int) -> Iterator[Row]:
    """Yield the rows of a block whose input map has side ``size``."""
    dim = stage.dim if first else stage.dim_out
    wide = dim * stage.expansion
    out = halve(size) if first and stage.stride == 2 else size
    if stage.expansion > 1:
        yield from conv_norm(f"{path}.expand", dim, wide, 1, size)
    yield from conv_norm(f"{path}.depthwise", wide, wide, stage.kernel**2, out, groups=wide)
    yield from squeeze_excitation(f"{path}.se", wide, squeezed(dim), out)
    yield from conv_norm(f"{path}.project", wide, stage.dim_out, 1, out)
