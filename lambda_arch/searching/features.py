"""What the accuracy model knows of an architecture: numbers of the whole network, and of each block, that add up."""

from collections.abc import Iterable
from math import log2

import numpy as np

from lambda_arch.arch import BLOCKS, STAGES, Block, Lambda, ResNet
from lambda_arch.searching.arrays import Floats

NETWORK = ("1/blocks", "1/image size^2")
BLOCK = (
    *(f"lambda layers in {stage}" for stage in STAGES),
    "log2 k",
    "log2 h",
    "log2 u",
    "1/m",
    "no content",
    "no position",
    "squeeze-excitation",
)
FEATURES = (*NETWORK, *BLOCK)
"""The features, in order; one more for each recipe of training besides these."""

_BLOCK_SIZE = 16  # blocks of ResNet-50, for coefficients of a readable size
_IMAGE_SIZE = 224
_K, _H, _M = 16, 4, 23  # an ordinary lambda layer: its settings' features are 0


def network_features(depth: int, image_size: int) -> list[float]:
    """Return the features of :data:`NETWORK`: accuracy saturates with depth and with image size."""
    return [_BLOCK_SIZE / sum(BLOCKS[depth]), (_IMAGE_SIZE / image_size) ** 2]


def block_features(block: Block, stage: int, depth: int) -> list[float]:
    """Return what a block adds to the features of :data:`BLOCK`.

    A lambda layer counts as a share of its stage; its settings, and squeeze-excitation, as a share of the network.
    """
    blocks = BLOCKS[depth]
    share = 1 / sum(blocks)
    found = [0.0] * len(BLOCK)
    layer = block.layer
    if isinstance(layer, Lambda):
        found[stage] = 1 / blocks[stage]
        scope = 0.0 if layer.m == "global" else 1 / layer.m
        found[4] = share * log2(layer.k / _K)
        found[5] = share * log2(layer.h / _H)
        found[6] = share * log2(layer.u)
        found[7] = share * (scope - 1 / _M) if layer.position else 0.0
        found[8] = 0.0 if layer.content else share
        found[9] = 0.0 if layer.position else share
    found[10] = share if block.se else 0.0
    return found


def features(architecture: ResNet) -> Floats:
    """Return all features of an architecture, those of its blocks summed."""
    depth = architecture.depth
    blocks = [block_features(block, i, depth) for i, stage in enumerate(architecture.stages) for block in stage]
    return np.array([*network_features(depth, architecture.image_size), *np.sum(blocks, axis=0)])


def dials_of(architecture: ResNet) -> dict[str, set[float]]:
    """Return the values of every dial of an architecture, for ranges: infinity stands for a global scope."""
    layers = [block.layer for stage in architecture.stages for block in stage if isinstance(block.layer, Lambda)]
    return {
        "depth": {architecture.depth},
        "image size": {architecture.image_size},
        "k": {layer.k for layer in layers},
        "h": {layer.h for layer in layers},
        "u": {layer.u for layer in layers},
        "m": {float("inf") if layer.m == "global" else layer.m for layer in layers if layer.position},
        "squeeze-excitation": {float(bool(block.se)) for stage in architecture.stages for block in stage},
    }


def ranges(architectures: Iterable[ResNet]) -> dict[str, tuple[float, float]]:
    """Return the smallest and largest value of each dial over ``architectures``, for those that occur."""
    found: dict[str, set[float]] = {}
    for architecture in architectures:
        for name, values in dials_of(architecture).items():
            found.setdefault(name, set()).update(values)
    return {name: (min(values), max(values)) for name, values in found.items() if values}
