"""The comparison layers in closed form: the rows of each, on a map of side ``size``.

Attention over n = size * size positions with h heads of key depth d takes h * d * n * n multiply-accumulates for its
logits and v * n * n to mix its values of v channels. Relative logits multiply each query with all 2 * size - 1
embeddings of an axis.
"""

from collections.abc import Iterator

from lambda_arch.arch import (
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
    Part,
    formula_of,
    halve,
)
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv, matmul


def double_attention(path: str, layer: DoubleAttention, dim: int, size: int) -> Iterator[Row]:
    """Yield the rows of a double attention block on a map of ``dim`` channels."""
    hidden, n = dim // layer.reduction, size * size
    yield from _projections(path, ("features", "maps", "vectors"), dim, (hidden, hidden, hidden), size)
    yield matmul(f"{path}.gather", (1, hidden, hidden), hidden * hidden * n)
    yield matmul(f"{path}.distribute", (1, hidden, n), hidden * hidden * n)
    yield conv(f"{path}.expand", hidden, dim, 1, size)


@formula_of(GlobalAttention)
def global_attention(part: Part) -> Iterator[Row]:
    """Yield the rows of global self-attention."""
    dim = part.dim
    yield from _projections(part.path, ("queries", "keys", "values"), dim, (dim, dim, dim), part.size)
    yield from _attend(f"{part.path}.attend", part.settings.heads, dim, dim, part.size)


def _attend(path: str, heads: int, keys: int, values: int, size: int) -> Iterator[Row]:
    n, depth, offsets = size * size, keys // heads, 2 * size - 1
    yield matmul(f"{path}.logits", (1, heads, n, n), keys * n * n)
    for axis in ("height", "width"):
        yield matmul(f"{path}.{axis}", (1, heads, size, size, size), keys * n * offsets, depth * offsets)
    yield matmul(f"{path}.mix", (1, heads, values // heads, n), values * n * n)


@formula_of(AxialAttention)
def axial_attention(part: Part) -> Iterator[Row]:
    """Yield the rows of axial self-attention, first along the height."""
    for axis in ("height", "width"):
        yield from _axis(f"{part.path}.{axis}", part.settings, part.dim, part.size)


def _axis(path: str, layer: AxialAttention, dim: int, size: int) -> Iterator[Row]:
    heads, keys, n, offsets = layer.heads, dim // 2, size * size, 2 * size - 1
    yield from _projections(path, ("queries", "keys", "values"), dim, (keys, keys, dim), size)
    yield matmul(f"{path}.logits", (1, heads, size, size, size), keys * n * size)
    yield matmul(f"{path}.relative", (1, heads, size, size, size), keys * n * offsets, keys // heads * offsets)
    yield matmul(f"{path}.mix", (1, heads, size, dim // heads, size), dim * n * size)


@formula_of(LocalAttention)
def local_attention(part: Part) -> Iterator[Row]:
    """Yield the rows of local self-attention."""
    path, layer, dim, size = part.path, part.settings, part.dim, part.size
    heads, n, m = layer.heads, size * size, layer.extent
    half = dim // 2  # half of a head's relative embedding encodes the row, half the column
    yield from _projections(path, ("queries", "keys", "values"), dim, (dim, dim, dim), size)
    yield matmul(f"{path}.logits", (1, heads, n, 1, m * m), dim * n * m * m)
    for axis in ("rows", "columns"):
        yield matmul(f"{path}.{axis}", (1, heads, n, m), half * n * m, half * m)
    yield matmul(f"{path}.mix", (1, heads, n, dim // heads, 1), dim * n * m * m)


@formula_of(AugmentedConvolution)
def augmented_convolution(part: Part) -> Iterator[Row]:
    """Yield the rows of an attention-augmented convolution."""
    path, layer, dim, size, out = part.path, part.settings, part.dim, part.size, part.size_out
    keys, values = layer.depths(dim)
    yield conv(f"{path}.conv", dim, dim - values, 9, out)
    if out != size:
        yield Row(f"{path}.pool", "avg_pool", (1, dim, out, out))
    side = halve(out) if layer.downsample else out
    if layer.downsample:
        yield Row(f"{path}.downsample", "avg_pool", (1, dim, side, side))
    yield from _projections(path, ("queries", "keys", "values"), dim, (keys, keys, values), side)
    yield from _attend(f"{path}.attend", layer.heads, keys, values, side)
    yield conv(f"{path}.project", values, values, 1, side)
    if layer.downsample:
        elements = values * out * out
        yield Row(f"{path}.upsample", "upsample", (1, values, out, out), fvcore_flops=4 * elements)


def _projections(
    path: str, names: tuple[str, str, str], dim: int, dims_out: tuple[int, int, int], size: int
) -> Iterator[Row]:
    for name, dim_out in zip(names, dims_out, strict=True):
        yield conv(f"{path}.{name}", dim, dim_out, 1, size)
