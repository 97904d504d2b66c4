"""Triton kernels of the fused evaluation: position lambdas tile by tile, used where they are formed, never written.

A program has a tile of positions and some of the value depth. The position lambdas of its tile are one implicit matrix
product: the values around each position (K = u * rows * columns of them, gathered through the cache) times the
embeddings (N = k), summed in float32 on matrix units. Content lambdas are added, and then every head's queries are
applied (forward), or every head's gradient (backward, for the queries), before anything leaves the registers.

Operands of both: ``values`` (b, v, u, padded height, padded width) are zero around the map, so that no load needs a
bounds check; ``offsets`` (reduction) says how far each neighbour lies from a position's first; ``embeddings``
(reduction, k) are zero where the reduction is padded; ``shared`` (b, v, k) is what all positions have in common;
``image_stride`` is the elements of one value depth.
"""

from functools import cache
from typing import Any

import triton
import triton.language as tl

# tiles that the autotuner tries: positions, reduction, value depth for each program, warps, pipeline stages
TILES = (
    (64, 32, 4, 4, 3),
    (64, 64, 4, 4, 3),
    (128, 32, 4, 4, 3),
    (128, 64, 4, 8, 3),
    (128, 32, 8, 8, 4),
    (256, 32, 4, 8, 3),
)


@triton.jit  # type: ignore[untyped-decorator]
def tile_lambdas(  # type: ignore[no-untyped-def]
    values, embeddings, offsets, shared, place, corner, reduction, image_stride,
    k: tl.constexpr, padded_k: tl.constexpr, precision: tl.constexpr, positions: tl.constexpr, chunk: tl.constexpr,
):  # fmt: skip
    """Return the lambdas (positions, padded k) of one value depth; ``place`` is its number among all images'."""
    key = tl.arange(0, padded_k)
    lambdas = tl.zeros((positions, padded_k), tl.float32)
    source = values + place * image_stride
    for start in range(0, reduction, chunk):
        index = start + tl.arange(0, chunk)
        offset = tl.load(offsets + index)
        around = tl.load(source + (corner[:, None] + offset[None, :]))
        embedding = tl.load(embeddings + index[:, None] * k + key[None, :], mask=(key < k)[None, :], other=0.0)
        lambdas = tl.dot(around, embedding, lambdas, input_precision=precision)
    common = tl.load(shared + place * k + key, mask=key < k, other=0.0)
    return lambdas + common[None, :].to(tl.float32)


@triton.jit  # type: ignore[untyped-decorator]
def forward_kernel(  # type: ignore[no-untyped-def]
    values, embeddings, offsets, shared, queries, outputs, height, width, padded_width, image_stride, depth, reduction,
    heads: tl.constexpr, k: tl.constexpr, padded_k: tl.constexpr, padded_heads: tl.constexpr,
    precision: tl.constexpr, positions: tl.constexpr, chunk: tl.constexpr, depths: tl.constexpr,
):  # fmt: skip
    """Write outputs (b, h, v, n) from queries (b, h, k, n); a program has ``depths`` of the value depth."""
    image = tl.program_id(2).to(tl.int64)
    n = height * width
    position = tl.program_id(0) * positions + tl.arange(0, positions)
    inside = position < n
    corner = tl.where(inside, position // width * padded_width + position % width, 0)
    key = tl.arange(0, padded_k)
    first = tl.program_id(1) * depths
    for value in range(first, min(first + depths, depth)):
        lambdas = tile_lambdas(
            values, embeddings, offsets, shared, image * depth + value, corner, reduction, image_stride,
            k, padded_k, precision, positions, chunk,
        )  # fmt: skip
        for head in tl.static_range(heads):
            place = ((image * heads + head) * k + key[None, :]) * n + position[:, None]
            query = tl.load(queries + place, mask=inside[:, None] & (key < k)[None, :], other=0.0)
            output = tl.sum(lambdas * query.to(tl.float32), 1)
            target = outputs + ((image * heads + head) * depth + value) * n + position
            tl.store(target, output.to(outputs.dtype.element_ty), mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def queries_kernel(  # type: ignore[no-untyped-def]
    values, embeddings, offsets, shared, gradient, outputs, height, width, padded_width, image_stride, depth, reduction,
    heads: tl.constexpr, k: tl.constexpr, padded_k: tl.constexpr, padded_heads: tl.constexpr,
    precision: tl.constexpr, positions: tl.constexpr, chunk: tl.constexpr, depths: tl.constexpr,
):  # fmt: skip
    """Write the gradient (b, h, k, n) of the queries from that of the outputs (b, h, v, n), summed over all depths."""
    image = tl.program_id(2).to(tl.int64)
    n = height * width
    position = tl.program_id(0) * positions + tl.arange(0, positions)
    inside = position < n
    corner = tl.where(inside, position // width * padded_width + position % width, 0)
    key = tl.arange(0, padded_k)
    head = tl.arange(0, padded_heads)
    there = (head < heads)[:, None] & inside[None, :]
    total = tl.zeros((padded_heads, positions, padded_k), tl.float32)
    for value in range(depth):
        lambdas = tile_lambdas(
            values, embeddings, offsets, shared, image * depth + value, corner, reduction, image_stride,
            k, padded_k, precision, positions, chunk,
        )  # fmt: skip
        place = ((image * heads + head[:, None]) * depth + value) * n + position[None, :]
        arrived = tl.load(gradient + place, mask=there, other=0.0).to(tl.float32)
        total += arrived[:, :, None] * lambdas[None, :, :]
    place = ((image * heads + head[:, None, None]) * k + key[None, None, :]) * n + position[None, :, None]
    mask = there[:, :, None] & (key < k)[None, None, :]
    tl.store(outputs + place, total.to(outputs.dtype.element_ty), mask=mask)


@cache
def tuned(kernel: Any) -> Any:
    """Return a kernel of this module, tuned for every new shape; the interpreter takes one small tile."""
    from triton.runtime.interpreter import InterpretedFunction

    tiles = ((16, 16, 2, 1, 1),) if isinstance(kernel, InterpretedFunction) else TILES
    configurations = [
        triton.Config({"positions": p, "chunk": c, "depths": d}, num_warps=warps, num_stages=stages)
        for p, c, d, warps, stages in tiles
    ]
    return triton.autotune(configurations, key=["height", "width", "depth", "reduction"])(kernel)
