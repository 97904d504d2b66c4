"""Triton kernels of the fused evaluation's backward pass: no lambdas, maps or gradients of either are ever written.

They take the products in the order of attention, which needs h * (k + v) multiply-accumulates for a pair of positions
where lambdas need k * v. A step of a kernel has a tile of positions in a row ("near") with their gradients and queries,
all heads side by side, and a tile in another row ("far") with its values. Products with embeddings are computed for
every offset along x, products with values for every far position; a gather in registers or shared memory leads from one
to the other, because a far position is a near one plus an offset. Every product runs on matrix units with float32 sums,
and every element is summed by one program in a fixed order, so results are deterministic.

Operands of all: ``gradient`` (b, h, v, n) of the outputs; ``queries`` (b, h, k, n); ``values`` (b, v, u, n);
``embeddings`` (u, rows, columns, k). Rows and columns are odd.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import triton
import triton.language as tl

from lambda_arch.nn.evaluation.fused_forward_kernel import tiles


def in_registers(configs: Sequence[Any], arguments: Mapping[str, Any], **_: object) -> list[Any]:
    """Return the tiles to try: those of few enough columns for their warps, or else the narrowest of most warps."""
    heads = arguments["padded_heads"]
    fit = [each for each in configs if heads * each.kwargs["near"] <= 32 * each.num_warps]
    return fit or [min(configs, key=lambda each: (each.kwargs["near"], -each.num_warps))]


VALUES_TILES = tiles(
    {"near": 16, "far": 16},
    ({"near": 16, "far": 16}, 4, 3),
    ({"near": 16, "far": 32}, 4, 3),
    ({"near": 16, "far": 64}, 4, 3),
    ({"near": 16, "far": 64}, 8, 3),
    ({"near": 32, "far": 32}, 8, 3),
    ({"near": 32, "far": 64}, 8, 3),
)
OFFSET_TILES = tiles(
    {"near": 16},
    ({"near": 16}, 4, 2),
    ({"near": 16}, 8, 3),
    ({"near": 32}, 8, 3),
    ({"near": 32}, 8, 2),
)
SHAPE = ["images", "height", "width", "heads", "k", "u", "depth", "rows", "columns"]
FITTING = {"early_config_prune": in_registers}


@triton.jit  # type: ignore[untyped-decorator]
def product(wide, operand, precision: tl.constexpr):  # type: ignore[no-untyped-def]
    """Return ``wide``, a sum in float32, times ``operand``; with float16 in TF32, because ``wide`` may overflow."""
    if operand.dtype == tl.float16:
        return tl.dot(wide, operand.to(tl.float32), input_precision="tf32")
    return tl.dot(wide.to(operand.dtype), operand, input_precision=precision)


@triton.autotune(VALUES_TILES, SHAPE, prune_configs_by=FITTING)  # type: ignore[untyped-decorator]
@triton.jit  # type: ignore[untyped-decorator]
def values_kernel(  # type: ignore[no-untyped-def]
    gradient, queries, values, embeddings, outputs, images, height: tl.constexpr, width: tl.constexpr,
    heads: tl.constexpr, k: tl.constexpr, u: tl.constexpr, depth: tl.constexpr, rows: tl.constexpr,
    columns: tl.constexpr, padded_heads: tl.constexpr, padded_k: tl.constexpr, padded_columns: tl.constexpr,
    depths: tl.constexpr, precision: tl.constexpr, near: tl.constexpr, far: tl.constexpr,
):  # fmt: skip
    """Write the gradient (b, v, u, n) of the values; a program has ``far`` columns of a row and some value depth."""
    image = tl.program_id(2).to(tl.int64)
    intra = tl.program_id(1) % u
    value = tl.program_id(1) // u * depths + tl.arange(0, depths)
    tiles = tl.cdiv(width, far)
    row = tl.program_id(0) // tiles
    first = tl.program_id(0) % tiles * far
    n = height * width
    column = first + tl.arange(0, far)
    side_by_side = tl.arange(0, padded_heads * near)
    head, of_tile = side_by_side // near, side_by_side % near
    key, offset = tl.arange(0, padded_k), tl.arange(0, padded_columns)
    # rows of embeddings that lead here from a row of the map, and tiles of columns from which this one is in reach
    start = tl.maximum(0, row + rows // 2 - height + 1)
    leftmost = tl.maximum(0, first - columns // 2) // near * near  # aligned
    across = tl.cdiv(tl.minimum(width, first + far + columns // 2) - leftmost, near)
    total = tl.zeros((far, depths), tl.float32)
    for step in range((tl.minimum(rows, row + rows // 2 + 1) - start) * across):
        down = start + step // across
        source = leftmost + step % across * near + of_tile
        place = (row + rows // 2 - down) * width + source
        there = (head < heads) & (source < width)
        query = tl.load(
            queries + ((image * heads + head[None, :]) * k + key[:, None]) * n + place[None, :],
            mask=there[None, :] & (key < k)[:, None], other=0.0,
        )  # fmt: skip
        embedding = tl.load(
            embeddings + ((intra * rows + down) * columns + offset[:, None]) * k + key[None, :],
            mask=(offset < columns)[:, None] & (key < k)[None, :], other=0.0,
        )  # fmt: skip
        by_offset = tl.dot(embedding, query, input_precision=precision)
        to_here = column[:, None] - source[None, :] + columns // 2
        by_column = tl.gather(by_offset, tl.minimum(tl.maximum(to_here, 0), columns - 1), 0)
        by_column = tl.where((to_here >= 0) & (to_here < columns), by_column, 0.0)
        arrived = tl.load(
            gradient + ((image * heads + head[:, None]) * depth + value[None, :]) * n + place[:, None],
            mask=there[:, None] & (value < depth)[None, :], other=0.0,
        )  # fmt: skip
        total += product(by_column, arrived, precision)
    target = ((image * depth + value[None, :]) * u + intra) * n + row * width + column[:, None]
    tl.store(
        outputs + target, total.to(outputs.dtype.element_ty),
        mask=(column < width)[:, None] & (value < depth)[None, :],
    )  # fmt: skip


@triton.jit  # type: ignore[untyped-decorator]
def offset_gradients(  # type: ignore[no-untyped-def]
    gradient, values, image, intra, near_row, far_row, first, shift, n, width, head, of_tile, there,
    heads: tl.constexpr, u: tl.constexpr, depth: tl.constexpr, columns: tl.constexpr, depths: tl.constexpr,
    precision: tl.constexpr, near: tl.constexpr,
):  # fmt: skip
    """Return the gradient (near, heads * near) of queries times embeddings, for ``near`` offsets from ``shift`` on."""
    far = first + shift - columns // 2 + tl.arange(0, 2 * near)
    by_column = tl.zeros((2 * near, head.shape[0]), tl.float32)
    for start in tl.static_range(0, depth, depths):
        value = start + tl.arange(0, depths)
        arrived = tl.load(
            gradient + ((image * heads + head[None, :]) * depth + value[:, None]) * n
            + (near_row * width + first + of_tile)[None, :],
            mask=there[None, :] & (value < depth)[:, None], other=0.0,
        )  # fmt: skip
        around = tl.load(
            values + ((image * depth + value[None, :]) * u + intra) * n + far_row * width + far[:, None],
            mask=((far >= 0) & (far < width))[:, None] & (value < depth)[None, :], other=0.0,
        )  # fmt: skip
        by_column = tl.dot(around, arrived, by_column, input_precision=precision)
    return tl.gather(by_column, of_tile[None, :] + tl.arange(0, near)[:, None], 0)


@triton.autotune(OFFSET_TILES, SHAPE, prune_configs_by=FITTING)  # type: ignore[untyped-decorator]
@triton.jit  # type: ignore[untyped-decorator]
def queries_kernel(  # type: ignore[no-untyped-def]
    gradient, queries, values, embeddings, outputs, images, height: tl.constexpr, width: tl.constexpr,
    heads: tl.constexpr, k: tl.constexpr, u: tl.constexpr, depth: tl.constexpr, rows: tl.constexpr,
    columns: tl.constexpr, padded_heads: tl.constexpr, padded_k: tl.constexpr, padded_columns: tl.constexpr,
    depths: tl.constexpr, precision: tl.constexpr, near: tl.constexpr,
):  # fmt: skip
    """Write the gradient (b, h, k, n) of the queries by position lambdas; a program has ``near`` columns of a row."""
    image = tl.program_id(2).to(tl.int64)
    tiles = tl.cdiv(width, near)
    row = tl.program_id(0) // tiles
    first = tl.program_id(0) % tiles * near
    n = height * width
    side_by_side = tl.arange(0, padded_heads * near)
    head, of_tile = side_by_side // near, side_by_side % near
    there = (head < heads) & (first + of_tile < width)
    key = tl.arange(0, padded_k)
    start = tl.maximum(0, rows // 2 - row)
    across: tl.constexpr = (columns + near - 1) // near
    total = tl.zeros((padded_k, padded_heads * near), tl.float32)
    for step in range((tl.minimum(rows, height - row + rows // 2) - start) * across * u):
        intra = step % u
        shift = step // u % across * near
        down = start + step // u // across
        by_offset = offset_gradients(
            gradient, values, image, intra, row, row + down - rows // 2, first, shift, n, width, head, of_tile, there,
            heads, u, depth, columns, depths, precision, near,
        )  # fmt: skip
        offset = shift + tl.arange(0, near)
        embedding = tl.load(
            embeddings + ((intra * rows + down) * columns + offset[:, None]) * k + key[None, :],
            mask=(offset < columns)[:, None] & (key < k)[None, :], other=0.0,
        )  # fmt: skip
        total += tl.trans(product(tl.trans(by_offset), embedding, precision))
    target = ((image * heads + head[None, :]) * k + key[:, None]) * n + row * width + first + of_tile[None, :]
    tl.store(outputs + target, total.to(outputs.dtype.element_ty), mask=there[None, :] & (key < k)[:, None])


@triton.autotune(OFFSET_TILES, SHAPE, prune_configs_by=FITTING)  # type: ignore[untyped-decorator]
@triton.jit  # type: ignore[untyped-decorator]
def embeddings_kernel(  # type: ignore[no-untyped-def]
    gradient, queries, values, embeddings, outputs, images, height: tl.constexpr, width: tl.constexpr,
    heads: tl.constexpr, k: tl.constexpr, u: tl.constexpr, depth: tl.constexpr, rows: tl.constexpr,
    columns: tl.constexpr, padded_heads: tl.constexpr, padded_k: tl.constexpr, padded_columns: tl.constexpr,
    depths: tl.constexpr, precision: tl.constexpr, near: tl.constexpr,
):  # fmt: skip
    """Write parts (splits, u, rows, columns, k) of the gradient of the embeddings, in float32, to be summed.

    A program has ``near`` offsets of a row of the scope, and some of the rows of all images.
    """
    across: tl.constexpr = (columns + near - 1) // near
    down = tl.program_id(0) // across
    shift = tl.program_id(0) % across * near
    intra, split = tl.program_id(1), tl.program_id(2)
    n = height * width
    side_by_side = tl.arange(0, padded_heads * near)
    head, of_tile = side_by_side // near, side_by_side % near
    key, offset = tl.arange(0, padded_k), shift + tl.arange(0, near)
    start = tl.maximum(0, rows // 2 - down)
    lines = tl.minimum(height, height - down + rows // 2) - start  # rows of an image with a far one inside the map
    tiles = tl.cdiv(width, near)
    each = tl.cdiv(images * lines, tl.num_programs(2))
    begin = split * each
    total = tl.zeros((near, padded_k), tl.float32)
    for step in range((tl.minimum(begin + each, images * lines) - begin) * tiles):
        line = begin + step // tiles
        image = (line // lines).to(tl.int64)
        row = start + line % lines
        first = step % tiles * near
        there = (head < heads) & (first + of_tile < width)
        by_offset = offset_gradients(
            gradient, values, image, intra, row, row + down - rows // 2, first, shift, n, width, head, of_tile, there,
            heads, u, depth, columns, depths, precision, near,
        )  # fmt: skip
        query = tl.load(
            queries + ((image * heads + head[:, None]) * k + key[None, :]) * n + row * width + first + of_tile[:, None],
            mask=there[:, None] & (key < k)[None, :], other=0.0,
        )  # fmt: skip
        total += product(by_offset, query, precision)
    target = (((split * u + intra) * rows + down) * columns + offset[:, None]) * k + key[None, :]
    tl.store(outputs + target, total, mask=(offset < columns)[:, None] & (key < k)[None, :])
