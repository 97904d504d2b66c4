"""What a detector costs: the backbone of an architecture at the detector's image size, and Mask R-CNN on top of it.

The pyramid and the heads are those of torchvision's ``maskrcnn_resnet50_fpn`` in inference (He et al. 2017, Lin et al.
2017). Multiply-accumulates are for one image.
"""

from dataclasses import dataclass
from typing import NamedTuple

from lambda_arch.arch import Architecture
from lambda_arch.arch.part import halve
from lambda_arch.arch.stages import is_head
from lambda_arch.costs.closed_form import count

WIDTH = 256
"""Channels of the pyramid."""
ANCHORS = 3
"""Per position."""
PROPOSALS, DETECTIONS = 1000, 100
"""Boxes that are classified, and of them those that get a mask."""
CLASSES = 91
"""COCO's, with the background."""
BOX, MASK, HIDDEN = 7, 14, 1024
"""Sides of the maps of a box and of a mask, and the width of the box head."""


class Cost(NamedTuple):
    """Trainable scalars, and multiply-accumulates for one image."""

    params: int
    macs: int


@dataclass(frozen=True)
class DetectorCost:
    """The costs of a Mask R-CNN at ``image_size``: of its backbone, its feature pyramid and its heads."""

    image_size: int
    backbone: Cost
    pyramid: Cost
    heads: Cost


def detector_cost(architecture: Architecture, image_size: int) -> DetectorCost:
    """Return the costs of a Mask R-CNN with the backbone of ``architecture``; its pyramid takes c2 to c5.

    Parameters, and multiply-accumulates for one image of ``image_size`` pixels a side, of backbone, feature pyramid
    (Lin et al. 2017) and heads (He et al. 2017).

    Raises :class:`ArchitectureError` for an image size that the architecture cannot have.
    """
    rows = [row for row in count(architecture, image_size=image_size).rows if not is_head(row.path)]
    backbone = Cost(sum(row.params for row in rows), sum(row.macs for row in rows))
    last = {part.stage: part for part in architecture.parts(image_size) if part.stage is not None}
    maps = [(part.dim_out, part.size_out) for part in last.values()]
    return DetectorCost(image_size, backbone, _pyramid(maps), _heads([size for _, size in maps]))


def _pyramid(maps: list[tuple[int, int]]) -> Cost:
    """Return the cost of a 1x1 and a 3x3 convolution for each of the maps, given by channels and side."""
    return _sum(
        *(_conv(dim, WIDTH, 1, size**2) for dim, size in maps), *(_conv(WIDTH, WIDTH, 3, size**2) for _, size in maps)
    )


def _heads(sizes: list[int]) -> Cost:
    """Return the cost of the proposal network, box head and mask head on pyramid levels of these sides.

    The proposal network also has a level of half the smallest side. All levels share its weights.
    """
    positions = sum(size**2 for size in (*sizes, halve(sizes[-1])))
    box, mask = PROPOSALS, DETECTIONS * MASK**2
    return _sum(
        _conv(WIDTH, WIDTH, 3, positions),
        _conv(WIDTH, ANCHORS, 1, positions),
        _conv(WIDTH, 4 * ANCHORS, 1, positions),
        _conv(WIDTH * BOX**2, HIDDEN, 1, box),
        _conv(HIDDEN, HIDDEN, 1, box),
        _conv(HIDDEN, CLASSES, 1, box),
        _conv(HIDDEN, 4 * CLASSES, 1, box),
        *(_conv(WIDTH, WIDTH, 3, mask) for _ in range(4)),
        Cost(WIDTH * (4 * WIDTH + 1), mask * 4 * WIDTH**2),  # a transposed 2x2 convolution, of stride 2
        _conv(WIDTH, CLASSES, 1, 4 * mask),
    )


def _conv(dim: int, dim_out: int, kernel: int, positions: int) -> Cost:
    weights = dim * dim_out * kernel**2
    return Cost(weights + dim_out, weights * positions)


def _sum(*costs: Cost) -> Cost:
    return Cost(sum(each.params for each in costs), sum(each.macs for each in costs))
