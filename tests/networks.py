"""The ResNets that people name and publish, at sizes that tests can afford."""

import functools
import itertools
from dataclasses import fields, replace

from lambda_arch.arch import BLOCKS, Lambda, ResNet, all_named, parse
from lambda_arch.comparing import compare

SMALL = 32


def shallowest(architecture):
    """Return the shallowest network of the same blocks, at a small image size.

    A stage's second block and those after it that are like it have the same rows, which
    ``test_rows_of_like_blocks_repeat`` shows. `lambda-arch tables --verify` counts every published row as it is.
    """
    kinds = [(stage[0], *dict.fromkeys(stage[1:])) for stage in architecture.stages]
    depth = next(depth for depth, numbers in BLOCKS.items() if all(map(int.__ge__, numbers, map(len, kinds))))
    stages = tuple(kind + kind[-1:] * (n - len(kind)) for kind, n in zip(kinds, BLOCKS[depth], strict=True))
    return replace(architecture, depth=depth, stages=stages, image_size=SMALL)


def _kind(block):
    """Return the block with other numbers in its lambda layer: only 1 and global are kinds of their own."""
    layer = block.layer
    if isinstance(layer, Lambda):
        m = layer.m if layer.m in (1, "global") else 3
        layer = replace(layer, k=min(layer.k, 2), h=min(layer.h, 2), u=min(layer.u, 2), m=m)
    return replace(block, layer=layer)


def _settings(architecture):
    """Return what rows depend on: each kind of block with its place, each number in a lambda layer, and each pair of
    settings of the whole network.
    """
    whole = [
        (field.name, getattr(architecture, field.name))
        for field in fields(architecture)
        if field.name not in ("stages", "image_size", "depth")
    ]
    blocks = {(i, j == 0, _kind(block)) for i, stage in enumerate(architecture.stages) for j, block in enumerate(stage)}
    layers = {block.layer for stage in architecture.stages for block in stage if isinstance(block.layer, Lambda)}
    numbers = {(name, getattr(layer, name)) for layer in layers for name in ("k", "h", "u", "m")}
    return blocks | numbers | set(itertools.combinations(whole, 2))


@functools.cache
def every_resnet():
    """ResNets with all ``_settings`` of those that have a name or are in a published table."""
    named = [parse(entry.name) for entry in all_named()]
    each_once = sorted(
        {shallowest(each) for each in (*named, *compare().architectures()) if isinstance(each, ResNet)}, key=str
    )
    left, chosen = set().union(*map(_settings, each_once)), []
    while left:
        chosen.append(max(each_once, key=lambda each: len(_settings(each) & left)))
        left -= _settings(chosen[-1])
    return chosen
