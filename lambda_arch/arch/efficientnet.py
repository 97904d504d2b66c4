"""What an EfficientNet is: B0 to B7, one network scaled in width, depth and image size (Tan & Le, ICML 2019)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Any, ClassVar, NamedTuple

from lambda_arch.arch.checks import check_classes, check_image_size
from lambda_arch.arch.options import Setting
from lambda_arch.errors import ArchitectureError


class Scale(NamedTuple):
    """The factors on the widths and depths of B0, and the side of the images that the network is meant for."""

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
    """MBConv blocks of one kind (Sandler et al. 2018): the first strides and changes the channels.

    ``expansion``: how many times wider than its input the depthwise convolution of a block is.
    """

    kernel: int
    stride: int
    expansion: int
    dim: int
    dim_out: int
    repeats: int


STAGES = (
    Stage(3, 1, 1, 32, 16, 1),
    Stage(3, 2, 6, 16, 24, 2),
    Stage(5, 2, 6, 24, 40, 2),
    Stage(3, 2, 6, 40, 80, 3),
    Stage(5, 1, 6, 80, 112, 3),
    Stage(5, 2, 6, 112, 192, 4),
    Stage(3, 1, 6, 192, 320, 1),
)
"""The stages of B0 (Tan & Le 2019, table 1)."""

STEM_WIDTH = 32
HEAD_WIDTH = 1280

BASE_NAMES = {f"efficientnet_b{variant}": "EfficientNet (Tan & Le 2019)" for variant in range(len(SCALES))}
OPTIONS = ("classes",)


@dataclass(frozen=True, slots=True)
class EfficientNet:
    """EfficientNet-B0 to B7.

    ``variant``: 0 to 7. Every block has squeeze-excitation with a
    quarter of its *input* channels between (not of the expanded ones). ``str()`` is the canonical name.

    Raises :class:`ArchitectureError` for a network that cannot be built.
    """

    letters: ClassVar[frozenset[str]] = frozenset()

    variant: int
    image_size: int
    classes: int = 1000

    def __post_init__(self) -> None:
        if self.variant not in range(len(SCALES)):
            raise ArchitectureError(f"efficientnet_b{self.variant}: expected efficientnet_b0 to b{len(SCALES) - 1}")
        check_classes(self.classes, 1000)
        check_image_size(self.image_size, strides=5)

    def __str__(self) -> str:
        classes = "" if self.classes == 1000 else f":classes={self.classes}"
        size = "" if self.image_size == SCALES[self.variant].image_size else f"@{self.image_size}"
        return f"efficientnet_b{self.variant}{classes}{size}"

    @property
    def stem_width(self) -> int:
        """Channels after the stem."""
        return scaled_width(STEM_WIDTH, SCALES[self.variant].width)

    @property
    def head_width(self) -> int:
        """Channels of the head's convolution, which the classifier sees."""
        return scaled_width(HEAD_WIDTH, SCALES[self.variant].width)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The seven stages at this variant's width and depth."""
        width, depth, _ = SCALES[self.variant]
        return tuple(
            stage._replace(
                dim=scaled_width(stage.dim, width),
                dim_out=scaled_width(stage.dim_out, width),
                repeats=ceil(stage.repeats * depth),
            )
            for stage in STAGES
        )


def scaled_width(channels: int, factor: Fraction) -> int:
    """Return ``channels`` times ``factor`` to the nearest multiple of 8, but never more than a tenth below it."""
    exact = channels * factor
    nearest = max(8, int(exact + 4) // 8 * 8)
    return nearest + 8 if nearest < exact * Fraction(9, 10) else nearest


def squeezed(dim: int) -> int:
    """Return the channels between a block's squeeze and excitation, for ``dim`` channels into the block."""
    return max(1, dim // 4)


def base_efficientnet(name: str) -> EfficientNet:
    """Return the EfficientNet of a base name, at its own image size."""
    variant = int(name.removeprefix("efficientnet_b"))
    return EfficientNet(variant, SCALES[variant].image_size)


def configure_efficientnet(
    base: EfficientNet, settings: Sequence[Setting], image_size: int | None = None
) -> EfficientNet:
    """Return ``base`` with ``settings`` on top."""
    changes: dict[str, Any] = {setting.option.field: setting.value for setting in settings}
    if image_size is not None:
        changes["image_size"] = image_size
    return replace(base, **changes)
