"""EfficientNet-B0 to B7: one network scaled in width, depth and image size (Tan & Le, ICML 2019)."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, ClassVar, NamedTuple

from lambda_arch.arch.checks import check_image_size, check_whole
from lambda_arch.arch.part import Part, halve
from lambda_arch.errors import ArchitectureError


class Scale(NamedTuple):
    """The factors on the widths and depths of B0, and the network's own image size."""

    width: Fraction
    depth: Fraction
    image_size: int


SCALES = tuple(
    Scale(Fraction(width), Fraction(depth), image_size)
    for width, depth, image_size in (
        ("1.0", "1.0", 224),
        ("1.0", "1.1", 240),
        ("1.1", "1.2", 260),
        ("1.2", "1.4", 300),
        ("1.4", "1.8", 380),
        ("1.6", "2.2", 456),
        ("1.8", "2.6", 528),
        ("2.0", "3.1", 600),
    )
)
"""B0 to B7, from the official implementation (tensorflow/tpu, models/official/efficientnet)."""


class Stage(NamedTuple):
    """Repeated blocks, see :class:`MBConv`; only the first strides and changes the channels."""

    kernel: int
    stride: int
    expansion: int
    dim_out: int
    repeats: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
"""The stages of B0 (Tan & Le 2019, table 1)."""

STEM_WIDTH = 32
HEAD_WIDTH = 1280

BASE_NAMES = {f"efficientnet_b{variant}": "Tan & Le 2019" for variant in range(len(SCALES))}


@dataclass(frozen=True, slots=True)
class Stem:
    """A 3x3 convolution of stride 2, with its norm and swish."""


@dataclass(frozen=True, slots=True)
class MBConv:
    """An inverted bottleneck (Sandler et al. 2018) with squeeze-excitation.

    The depthwise convolution of size ``kernel`` is ``expansion`` times wider than the block's input. Squeeze-excitation
    reduces to a quarter of the *input* channels (not of the expanded ones).
    """

    kernel: int
    expansion: int


@dataclass(frozen=True, slots=True)
class Head:
    """A 1x1 convolution to ``width`` channels, global average pooling and a linear classifier."""

    classes: int
    width: int


@dataclass(frozen=True, slots=True)
class EfficientNet:
    """EfficientNet-B0 to B7.

    ``variant``: 0 to 7. ``str()`` is the canonical name.

    Raises :class:`ArchitectureError` for a network that cannot be built.
    """

    letters: ClassVar[frozenset[str]] = frozenset()

    variant: int
    image_size: int
    classes: int = 1000

    def __post_init__(self) -> None:
        if self.variant not in range(len(SCALES)):
            raise ArchitectureError(f"efficientnet_b{self.variant}: expected efficientnet_b0 to b{len(SCALES) - 1}")
        check_whole("classes", self.classes, 1000)
        check_image_size(self.image_size, strides=5)

    def __str__(self) -> str:
        classes = "" if self.classes == 1000 else f":classes={self.classes}"
        size = "" if self.image_size == SCALES[self.variant].image_size else f"@{self.image_size}"
        return f"efficientnet_b{self.variant}{classes}{size}"

    def parts(self, image_size: Any = None) -> Iterator[Part]:
        """Yield stem, blocks and head in order; ``image_size`` (an integer or an array) replaces the network's own."""
        side = self.image_size if image_size is None else image_size
        width, depth, _ = SCALES[self.variant]
        dim, size = scaled_width(STEM_WIDTH, width), halve(side)
        yield Part("stem", Stem(), 3, dim, side, size, stride=2)
        for i, stage in enumerate(STAGES):
            dim_out = scaled_width(stage.dim_out, width)
            for j in range(ceil(stage.repeats * depth)):
                stride = stage.stride if j == 0 else 1
                out = halve(size) if stride == 2 else size
                settings = MBConv(stage.kernel, stage.expansion)
                path = f"stage{i + 1}.{j + 1}"
                yield Part(path, settings, dim, dim_out, size, out, stride, stage=i, first=j == 0)
                dim, size = dim_out, out
        yield Part("head", Head(self.classes, scaled_width(HEAD_WIDTH, width)), dim, self.classes, size, 1)


def scaled_width(channels: int, factor: Fraction) -> int:
    """Return ``channels`` times ``factor`` to the nearest multiple of 8, but never more than a tenth below it."""
    exact = channels * factor
    nearest = max(8, int(exact + 4) // 8 * 8)
    return nearest + 8 if nearest < exact * Fraction(9, 10) else nearest


def squeezed(dim: int) -> int:
    """Return the channels between squeeze and excitation of a block with ``dim`` input channels."""
    return max(1, dim // 4)


def base_efficientnet(name: str) -> EfficientNet:
    """Return the EfficientNet of a base name, at its own image size."""
    variant = int(name.removeprefix("efficientnet_b"))
    return EfficientNet(variant, SCALES[variant].image_size)
