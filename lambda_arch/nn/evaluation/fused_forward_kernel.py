"""The Triton kernel of the fused evaluation: position lambdas tile by tile, used where they are formed, never written.

A program has a tile of positions and some of the value depth. The position lambdas of its tile are one implicit matrix
product: the values around each position (K = u * rows * columns of them, gathered through the cache) times the
embeddings (N = k), summed in float32 on matrix units. Content lambdas are added, and every head's queries are applied
before anything leaves the registers.
"""

from typing import Any

import triton
import triton.language as tl


def tiles(small: dict[str, int], *tried: tuple[dict[str, int], int, int]) -> list[Any]:
    """Return what the autotuner tries: sizes, warps, pipeline stages; in Triton's interpreter only ``small``."""
    interpreted = ((small, 1, 1),)
    return [
        triton.Config(sizes, num_warps=warps, num_stages=stages)
        for sizes, warps, stages in (interpreted if triton.knobs.runtime.interpret else tried)
    ]


TILES = tiles(
    {"positions": 16, "chunk": 16, "depths": 2},
    ({"positions": 64, "chunk": 32, "depths": 4}, 4, 3),
    ({"positions": 64, "chunk": 64, "depths": 4}, 4, 3),
    ({"positions": 128, "chunk": 32, "depths": 4}, 4, 3),
    ({"positions": 128, "chunk": 64, "depths": 4}, 8, 3),
    ({"positions": 128, "chunk": 32, "depths": 8}, 8, 4),
    ({"positions": 256, "chunk": 32, "depths": 4}, 8, 3),
)
"""Positions, chunk of the reduction, and value depth of a program."""


@triton.autotune(TILES, key=["height", "width", "depth", "reduction", "heads", "k"])  # type: ignore[untyped-decorator]
@triton.jit  # type: ignore[untyped-decorator]
def forward_kernel(  # type: ignore[no-untyped-def]
    values, embeddings, offsets, shared, queries, outputs, height, width, padded_width, image_stride, depth, reduction,
    heads: tl.constexpr, k: tl.constexpr, padded_k: tl.constexpr, precision: tl.constexpr, positions: tl.constexpr,
    chunk: tl.constexpr, depths: tl.constexpr,
):  # fmt: skip
    """Write outputs (b, h, v, n) from queries (b, h, k, n); a program has ``depths`` of the value depth.

    ``values`` (b, v, u, padded height, padded width) are zero around the map, so that no load needs a bounds check;
    ``offsets`` (reduction) says how far each neighbour lies from a position's first; ``embeddings`` (reduction, k) are
    zero where the reduction is padded; ``shared`` (b, v, k) is what all positions have in common; ``image_stride`` is
    the elements of one value depth.
    """
    image = tl.program_id(2).to(tl.int64)
    n = height * width
    position = tl.program_id(0) * positions + tl.arange(0, positions)
    inside = position < n
    corner = tl.where(inside, position // width * padded_width + position % width, 0)
    key = tl.arange(0, padded_k)
    first = tl.program_id(1) * depths
    for value in range(first, min(first + depths, depth)):
        place = image * depth + value
        lambdas = tl.zeros((positions, padded_k), tl.float32)
        for start in range(0, reduction, chunk):
            index = start + tl.arange(0, chunk)
            offset = tl.load(offsets + index)
            around = tl.load(values + place * image_stride + (corner[:, None] + offset[None, :]))
            embedding = tl.load(embeddings + index[:, None] * k + key[None, :], mask=(key < k)[None, :], other=0.0)
            lambdas = tl.dot(around, embedding, lambdas, input_precision=precision)
        common = tl.load(shared + place * k + key, mask=key < k, other=0.0)
        lambdas += common[None, :].to(tl.float32)
        for head in tl.static_range(heads):
            source = ((image * heads + head) * k + key[None, :]) * n + position[:, None]
            query = tl.load(queries + source, mask=inside[:, None] & (key < k)[None, :], other=0.0)
            output = tl.sum(lambdas * query.to(tl.float32), 1)
            target = outputs + ((image * heads + head) * depth + value) * n + position
            tl.store(target, output.to(outputs.dtype.element_ty), mask=inside)
