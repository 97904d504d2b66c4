"""The ResNets that people name and publish, at sizes that tests can afford."""

import functools
from dataclasses import replace

from lambda_arch.arch import BLOCKS, ResNet, all_named, parse
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


@functools.cache
def every_resnet():
    """The ResNets that have a name or are in a published table, once where they differ by a bias or classes alone."""
    named = [parse(entry.name) for entry in all_named()]
    each_once = sorted(
        {shallowest(each) for each in (*named, *compare().architectures()) if isinstance(each, ResNet)}, key=str
    )
    return list({replace(each, shortcut_bias=False, classes=10): each for each in each_once}.values())
