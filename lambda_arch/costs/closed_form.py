"""The closed form: what every module of a network costs, by plain arithmetic on its parts. No torch.

Every formula takes integers for one network, or numpy arrays for many at once: the sides of maps and the numbers of
lambda layers may be either (see :class:`lambda_arch.arch.Part`). A convolution of kernel area a from c to d channels on
n output positions has c*a*d weights and c*a*d*n multiply-accumulates.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from lambda_arch.arch import (
    EXPANSION,
    WIDTHS,
    Architecture,
    Block,
    Bottleneck,
    Head,
    Lambda,
    LambdaShape,
    Part,
    Stem,
    halve,
    parse,
)
from lambda_arch.costs import attention, efficientnet, lambda_layer, mobilenet, resnet  # noqa: F401  their formulas
from lambda_arch.costs.ledger import Ledger, Row
from lambda_arch.costs.modules import rows


def count(architecture: Architecture | str) -> Ledger:
    """Return the ledger of ``architecture``, or of its name."""
    value = parse(architecture) if isinstance(architecture, str) else architecture
    return Ledger(str(value), value.image_size, tuple(row for part in value.parts() for row in rows(part)))


# The rest serves callers that do not take parts yet; it goes with the last of them.


class Dials(NamedTuple):
    """The numbers of a lambda layer on a given map: :class:`lambda_arch.arch.LambdaShape` replaces it."""

    k: int
    h: int
    u: int
    summed: int
    embeddings: int


def dials(layer: Lambda, size: int) -> Dials:
    """Return the numbers of ``layer`` on a map of side ``size``."""
    return Dials(*LambdaShape.of(layer, size))


def stem_size(image_size: int) -> int:
    """Return the side of the map that enters c2."""
    return halve(halve(image_size))


def block_size(stage: int, first: bool, size: int) -> int:
    """Return the side of a block's output map where the first blocks of c3, c4 and c5 stride."""
    return halve(size) if first and stage > 0 else size


def stem(kind: Any, image_size: int) -> Iterator[Row]:
    """Yield the rows of a stem for images of ``image_size``."""
    return rows(stem_part(kind, image_size))


def head(classes: int, size: int) -> Iterator[Row]:
    """Yield the rows of the head for the last map's side ``size``."""
    return rows(head_part(classes, size))


def bottleneck(
    path: str,
    block: Block,
    stage: int,
    *,
    first: bool,
    size: int,
    shortcut_bias: bool = False,
    at: Dials | None = None,
) -> Iterator[Row]:
    """Yield the rows of a bottleneck block whose input map has side ``size``."""
    return rows(block_part(path, block, stage, first, size, shortcut_bias, at))


def stem_part(kind: Any, image_size: int) -> Part:
    """Return a stem."""
    return Part("stem", Stem(kind), 3, 64, image_size, stem_size(image_size), 4)


def head_part(classes: int, size: int) -> Part:
    """Return a head."""
    return Part("head", Head(classes), EXPANSION * WIDTHS[-1], classes, size, 1)


def block_part(
    path: str, block: Block, stage: int, first: bool, size: int, shortcut_bias: bool, at: Dials | None
) -> Part:
    """Return a block of a network that strides as usual."""
    dim_out = EXPANSION * WIDTHS[stage]
    dim = dim_out if not first else EXPANSION * WIDTHS[stage - 1] if stage else 64
    shape = LambdaShape(*(at or dials(block.layer, size))) if isinstance(block.layer, Lambda) else None
    strides = first and stage > 0
    return Part(
        path,
        Bottleneck(block, shortcut_bias),
        dim,
        dim_out,
        size,
        block_size(stage, first, size),
        2 if strides else 1,
        stage=stage,
        first=first,
        pool="strided" if strides else None,
        shape=shape,
    )
