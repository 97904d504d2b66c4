"""Constants of ResNets: blocks of every depth, stages and their widths, stems, and the choices of whole networks."""

from typing import Literal

BLOCKS = {
    18: (2, 2, 2, 2),
    26: (2, 2, 2, 2),
    38: (2, 3, 5, 2),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
    270: (4, 29, 53, 4),
    350: (4, 36, 72, 4),
    420: (4, 44, 87, 4),
}
"""Bottleneck blocks in c2 to c5 for each depth (He et al. 2016; 270 to 420 from Bello et al. 2021; 18, 26 and 38, also
of bottlenecks, as in public re-implementations)."""

STAGES = ("c2", "c3", "c4", "c5")
WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
STEM_WIDTHS = {"7x7": (64,), "deep": (32, 32, 64), "rs": (32, 32, 64), "tiered": (24, 32, 64)}
"""Output channels of each stem's convolutions: one 7x7, or three 3x3."""

STEMS = tuple(STEM_WIDTHS)
POOLS = ("strided", "first", "2x2")
ACTIVATIONS = ("relu", "silu")
MIN_IMAGE_SIZE = 32

StemKind = Literal["7x7", "deep", "rs", "tiered"]
Pool = Literal["strided", "first", "2x2"]
Activation = Literal["relu", "silu"]


def dashed(blocks: tuple[int, ...]) -> str:
    """Write block counts as the field does: ``3-4-6-3``."""
    return "-".join(map(str, blocks))
