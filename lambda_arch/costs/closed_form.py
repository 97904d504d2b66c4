"""The first book: every module of a ResNet in closed form. Plain arithmetic, no torch.

Every formula takes integers for one architecture, or numpy arrays (of one length) for many at once: k, h, u, the scope
and the image size may be either. A convolution of kernel area a from c to d channels on n output positions has
c*a*d weights and c*a*d*n multiply-accumulates; lambda layers follow Bello, ICLR 2021, sections 3.2 and B.4, in the
canonical order: position lambdas by convolution, content and position lambdas applied apart.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lambda_arch.arch import EXPANSION, STAGES, WIDTHS, Block, Convolution, DoubleAttention, Lambda, ResNet
from lambda_arch.arch.resnet import STEM_WIDTHS
from lambda_arch.costs.attention import double_attention, spatial_attention
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv, conv_norm, halve, matmul, norm, pooled_linear, squeeze_excitation


def resnet(architecture: ResNet) -> Iterator[Row]:
    """Yield the rows of a ResNet or LambdaResNet."""
    yield from stem(architecture.stem, architecture.image_size)
    size = stem_size(architecture.image_size)
    for i, stage in enumerate(architecture.stages):
        rows: list[Row] = []
        for j, block in enumerate(stage):
            stride = architecture.block_stride(i, j == 0)
            rows += bottleneck(
                f"{STAGES[i]}.{j + 1}",
                block,
                i,
                first=j == 0,
                size=size,
                shortcut_bias=architecture.shortcut_bias,
                stride=stride,
                pool=architecture.has_pool(i, j == 0),
            )
            size = block_size(i, j == 0, size, stride)
        yield from _with_shared_embeddings(rows) if architecture.shared_embeddings else rows
    yield from head(architecture.classes, size)


def _with_shared_embeddings(stage: list[Row]) -> Iterator[Row]:
    """Yield the rows of a stage, the position embeddings as parameters of the first layer that has them alone."""
    owner = next((row.path for row in stage if row.path.endswith(".position")), "")
    for row in stage:
        yield row._replace(params=0) if row.path.endswith(".position") and row.path != owner else row


def stem_size(image_size: int) -> int:
    """Return the side of the map that enters c2."""
    return halve(halve(image_size))


def block_size(stage: int, first: bool, size: int, stride: int | None = None) -> int:
    """Return the side of a block's output map: the first blocks of c3, c4 and c5 halve it, or those of ``stride`` 2."""
    return halve(size) if strides(stage, first, stride) else size


def strides(stage: int, first: bool, stride: int | None = None) -> bool:
    """Return whether a block strides: as ``stride`` says, or else the first ones of c3, c4 and c5."""
    return first and stage > 0 if stride is None else stride == 2


def stem(kind: str, image_size: int) -> Iterator[Row]:
    """Yield the rows of a stem for images of ``image_size``."""
    half = halve(image_size)
    dim = 3
    for i, width in enumerate(STEM_WIDTHS[kind], 1):
        yield from conv_norm(f"stem.{i}", dim, width, 49 if kind == "7x7" else 9, half)
        dim = width
    quarter = halve(half)
    if kind == "rs":
        yield from conv_norm("stem.pool", 64, 64, 9, quarter)
    else:
        yield Row("stem.pool", "max_pool", (1, 64, quarter, quarter))


def head(classes: int, size: int) -> Iterator[Row]:
    """Yield the rows of the head for the last map's side ``size``."""
    yield from pooled_linear("head", EXPANSION * WIDTHS[-1], classes, size)


class Dials(NamedTuple):
    """The numbers of a lambda layer on a given map, each an integer or an array.

    ``summed`` is the positions that a position lambda sums over, ``embeddings`` how many are stored for them: both
    m*m for a local scope; n, and every offset there is, (2*size - 1)**2, for the global one.
    """

    k: int
    h: int
    u: int
    summed: int
    embeddings: int


def dials(layer: Lambda, size: int) -> Dials:
    """Return the dials of ``layer`` on a map of side ``size``."""
    if layer.m == "global":
        return Dials(layer.k, layer.h, layer.u, size * size, (2 * size - 1) ** 2)
    return Dials(layer.k, layer.h, layer.u, layer.m**2, layer.m**2)


def bottleneck(
    path: str,
    block: Block,
    stage: int,
    *,
    first: bool,
    size: int,
    shortcut_bias: bool = False,
    stride: int | None = None,
    pool: bool | None = None,
    at: Dials | None = None,
) -> Iterator[Row]:
    """Yield the rows of a bottleneck block whose input map has side ``size``; ``stage`` counts from 0.

    The first blocks of c3, c4 and c5 have a ``stride`` of 2, unless told otherwise, and an average-pool after a lambda
    layer where they stride, unless ``pool`` says otherwise. ``at`` replaces the dials of the lambda layer.
    """
    width = WIDTHS[stage]
    dim_out = EXPANSION * width
    dim = dim_out if not first else (EXPANSION * WIDTHS[stage - 1] if stage else 64)
    out = block_size(stage, first, size, stride)
    yield from conv_norm(f"{path}.reduce", dim, width, 1, size)
    if isinstance(block.layer, Lambda):
        yield from lambda_layer(f"{path}.spatial.lambdas", block.layer, width, size, at or dials(block.layer, size))
        if strides(stage, first, stride) if pool is None else pool:
            yield Row(f"{path}.spatial.pool", "avg_pool", (1, width, out, out))
    elif isinstance(block.layer, Convolution | DoubleAttention):
        yield conv(f"{path}.spatial.conv", width, width, 9, out)
    else:
        yield from spatial_attention(f"{path}.spatial", block.layer, width, size, out)
    yield norm(f"{path}.spatial.norm", width, out)
    yield from conv_norm(f"{path}.expand", width, dim_out, 1, out)
    if block.se:
        yield from squeeze_excitation(f"{path}.se", dim_out, max(1, int(dim_out * block.se)), out)
    if first:
        yield from conv_norm(f"{path}.shortcut", dim, dim_out, 1, out, bias=shortcut_bias)
    if isinstance(block.layer, DoubleAttention):
        yield from double_attention(f"{path}.attention", block.layer, dim_out, out)


def lambda_layer(path: str, layer: Lambda, dim: int, size: int, at: Dials, dim_out: int | None = None) -> Iterator[Row]:
    """Yield the rows of a lambda layer on a map of side ``size``; ``layer`` says which lambdas it has."""
    k, h, u = at.k, at.h, at.u
    n = size * size
    dim_out = dim if dim_out is None else dim_out
    v = dim_out // h
    yield conv(f"{path}.queries", dim, h * k, 1, size)
    if layer.batch_norm:
        yield norm(f"{path}.query_norm", h * k, size)
    if layer.content:
        yield conv(f"{path}.keys", dim, k * u, 1, size)
    yield conv(f"{path}.values", dim, v * u, 1, size)
    if layer.batch_norm:
        yield norm(f"{path}.value_norm", v * u, size)
    if layer.content:
        yield matmul(f"{path}.content", (1, k, v), k * v * u * n)
        yield matmul(f"{path}.apply_content", (1, h, v, n), dim_out * k * n)
    if layer.position:
        params = k * u * at.embeddings + (k if layer.bias else 0)
        macs = k * u * at.summed * v * n
        kind = "matmul" if layer.m == "global" else "conv"
        yield Row(f"{path}.position", kind, (v, k, size, size), params, macs, macs)
        yield matmul(f"{path}.apply_position", (1, h, v, n), dim_out * k * n)
