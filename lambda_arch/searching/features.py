"""The features of the accuracy model: numbers of the whole network, and of each block, which are summed."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import log2

import numpy as np

from lambda_arch.arch import BLOCKS, STAGES, Block, Lambda, ResNet
from lambda_arch.searching.arrays import Floats

NETWORK = ("1/blocks", "1/image size^2")
LAMBDAS_IN = tuple(f"lambda layers in {stage}" for stage in STAGES)
BLOCK = (*LAMBDAS_IN, "log2 k", "log2 h", "log2 u", "1/m", "no content", "no position", "squeeze-excitation")
FEATURES = (*NETWORK, *BLOCK)
"""The features, in order. The model also has an intercept for each recipe."""
PAIRS = tuple(f"lambda layers in {a} x in {b}" for a, b in pairwise(STAGES))
"""Interactions of neighbouring stages: products of their shares of lambda layers."""

_BLOCK_SIZE = 16  # the number of blocks of ResNet-50, which scales the coefficient
_IMAGE_SIZE = 224
_K, _H, _M = 16, 4, 23  # the default lambda layer, whose features of settings are 0


def network_features(depth: int, image_size: int) -> Floats:
    """Return the features of :data:`NETWORK`, in which accuracy saturates with depth and image size."""
    return _vector(
        NETWORK, {"1/blocks": _BLOCK_SIZE / sum(BLOCKS[depth]), "1/image size^2": (_IMAGE_SIZE / image_size) ** 2}
    )


def block_features(block: Block, stage: int, depth: int) -> Floats:
    """Return the contribution of a block to the features of :data:`BLOCK`.

    A lambda layer counts as a share of its stage's blocks; its settings and squeeze-excitation as a share of all.
    """
    share = 1 / sum(BLOCKS[depth])
    found = {"squeeze-excitation": share if block.se else 0.0}
    layer = block.layer
    if isinstance(layer, Lambda):
        found |= {
            LAMBDAS_IN[stage]: 1 / BLOCKS[depth][stage],
            "log2 k": share * log2(layer.k / _K),
            "log2 h": share * log2(layer.h / _H),
            "log2 u": share * log2(layer.u),
            "no content": 0.0 if layer.content else share,
        }
        if layer.position:
            found["1/m"] = share * ((0.0 if layer.m == "global" else 1 / layer.m) - 1 / _M)
        else:
            found["no position"] = share
    return _vector(BLOCK, found)


def features(architecture: ResNet) -> Floats:
    """Return all features of an architecture, those of its blocks summed."""
    depth = architecture.depth
    blocks = [block_features(block, i, depth) for i, stage in enumerate(architecture.stages) for block in stage]
    return np.concatenate([network_features(depth, architecture.image_size), np.sum(blocks, axis=0)])


def pair_features(architecture: ResNet) -> Floats:
    """Return the features of :data:`PAIRS`."""
    shares = [np.mean([isinstance(block.layer, Lambda) for block in stage]) for stage in architecture.stages]
    return np.array([a * b for a, b in pairwise(shares)])


def varied_settings(architecture: ResNet) -> dict[str, set[float]]:
    """Return the values of every setting in which runs differ; infinity stands for a global scope."""
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
    """Return the smallest and largest value of each setting that occurs in ``architectures``."""
    found: dict[str, set[float]] = {}
    for architecture in architectures:
        for name, values in varied_settings(architecture).items():
            found.setdefault(name, set()).update(values)
    return {name: (min(values), max(values)) for name, values in found.items() if values}


def _vector(names: Iterable[str], values: Mapping[str, float]) -> Floats:
    return np.array([values.get(name, 0.0) for name in names])
