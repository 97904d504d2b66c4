"""ResNets and LambdaResNets as immutable values, checked when they are made.

A network is a stem, four stages of bottleneck blocks (c2 to c5) and a pooled linear head. Each block holds one spatial
layer between its two 1x1 convolutions: a 3x3 convolution, a lambda layer (Bello, ICLR 2021, section 5), or one of the
layers that the paper compares with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lambda_arch.arch.attention import Attention, check_fits
from lambda_arch.arch.checks import check_choice, check_heads, check_image_size, check_whole
from lambda_arch.arch.layers import LAYERS, Block, Lambda, Layer, most_common
from lambda_arch.arch.part import Head, LambdaShape, Part, halve
from lambda_arch.arch.resnet_names import canonical_name
from lambda_arch.arch.resnet_tables import (
    ACTIVATIONS,
    BLOCKS,
    EXPANSION,
    POOLS,
    STAGES,
    STEM_WIDTHS,
    STEMS,
    WIDTHS,
    Activation,
    Pool,
    StemKind,
    dashed,
)
from lambda_arch.errors import ArchitectureError


@dataclass(frozen=True, slots=True)
class Stem:
    """A stem of ``kind``: (b, 3, S, S) to (b, 64, S/4, S/4)."""

    kind: StemKind = "7x7"
    activation: Activation = "relu"


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """A bottleneck block in a network: its ``block``, and the network's settings that apply to it."""

    block: Block
    shortcut_bias: bool = False
    activation: Activation = "relu"


@dataclass(frozen=True, slots=True)
class ResNet:
    """A ResNet or LambdaResNet of bottlenecks.

    - ``depth``: 18 to 420, one of those in ``BLOCKS``; all have bottlenecks
    - ``stages``: the blocks of c2 to c5
    - ``stem``: ``7x7`` (He et al. 2016), ``deep`` (three 3x3 convolutions, as in ResNet-D, He et al. 2019), ``rs``
      (deep, with a stride-2 convolution for the max-pool, as in ResNet-RS, Bello et al. 2021) or ``tiered`` (deep, with
      24, 32 and 64 channels, as in timm)
    - ``stride``: whether the first blocks of c3, c4 and c5 halve their maps
    - ``pool``: which lambda layers an average-pool follows: ``strided`` (3x3, in blocks that stride), ``first`` (3x3,
      in the first block of every stage, with a stride or without, as leaderj1001 builds them) or ``2x2`` (in blocks
      that stride, as in timm)
    - ``activation``: after norms and sums; squeeze-excitation always has a ReLU
    - ``shortcut_bias``: a bias on the shortcut convolutions
    - ``shared_embeddings``: one set of position embeddings per stage (the paper's Table 4)
    - ``classes``: outputs; ``image_size``: the side of the images in pixels

    ``str()`` is the canonical name.

    Raises :class:`ArchitectureError` for a network that cannot be built.
    """

    depth: int
    stages: tuple[tuple[Block, ...], ...]
    stem: StemKind = "7x7"
    stride: bool = True
    pool: Pool = "strided"
    activation: Activation = "relu"
    shortcut_bias: bool = False
    shared_embeddings: bool = False
    classes: int = 1000
    image_size: int = 224

    def __post_init__(self) -> None:
        if self.depth not in BLOCKS:
            raise ArchitectureError(f"depth={self.depth}: expected one of {', '.join(map(str, BLOCKS))}")
        shape = tuple(len(stage) for stage in self.stages)
        if shape != BLOCKS[self.depth]:
            raise ArchitectureError(
                f"blocks {dashed(shape)}: expected {dashed(BLOCKS[self.depth])} for depth {self.depth}"
            )
        check_choice("stem", self.stem, STEMS)
        check_choice("pool", self.pool, POOLS)
        check_choice("activation", self.activation, ACTIVATIONS)
        check_whole("classes", self.classes, 1000)
        check_image_size(self.image_size, strides=5)
        self._check_layers()
        self._check_sharing()

    def _check_layers(self) -> None:
        for place, width, stage in zip(STAGES, WIDTHS, self.stages, strict=True):
            for block in dict.fromkeys(stage):
                if isinstance(block.layer, Lambda):
                    check_heads("h", block.layer.h, width, place)
                elif isinstance(block.layer, Attention):
                    check_fits(block.layer, place, width, EXPANSION * width)
        strided = self.stages[1:] if self.stride else ()
        concerned = {"first": self.stages[: len(self.stages) - len(strided)], "2x2": strided}.get(self.pool, ())
        if not any(isinstance(stage[0].layer, Lambda) for stage in concerned):
            object.__setattr__(self, "pool", "strided")  # the same pools: such networks are equal

    def _check_sharing(self) -> None:
        positional = [
            [block.layer for block in stage if isinstance(block.layer, Lambda) and block.layer.position]
            for stage in self.stages
        ]
        if not any(positional):
            object.__setattr__(self, "shared_embeddings", False)
        for place, layers in zip(STAGES, positional, strict=True):
            if self.shared_embeddings and len({(layer.k, layer.u, layer.m, layer.bias) for layer in layers}) > 1:
                raise ArchitectureError(
                    f"shared_embeddings=yes: expected one k, u, m and lambda_bias in all lambda layers of {place}"
                )

    def __str__(self) -> str:
        return canonical_name(self)

    def parts(self, image_size: Any = None) -> Iterator[Part]:
        """Yield stem, blocks and head in order; ``image_size`` (an integer or an array) replaces the network's own."""
        side = self.image_size if image_size is None else image_size
        size, dim = halve(halve(side)), STEM_WIDTHS[self.stem][-1]
        yield Part("stem", Stem(self.stem, self.activation), 3, dim, side, size, stride=4)
        for i, (name, width, blocks) in enumerate(zip(STAGES, WIDTHS, self.stages, strict=True)):
            shared = False
            for j, block in enumerate(blocks):
                stride = 2 if self.stride and i > 0 and j == 0 else 1
                out = halve(size) if stride == 2 else size
                layer = block.layer
                positional = isinstance(layer, Lambda) and layer.position
                yield Part(
                    f"{name}.{j + 1}",
                    Bottleneck(block, self.shortcut_bias, self.activation),
                    dim,
                    EXPANSION * width,
                    size,
                    out,
                    stride,
                    stage=i,
                    first=j == 0,
                    pool=self.pool if stride == 2 or (j == 0 and self.pool == "first") else None,
                    shape=LambdaShape.of(layer, size) if isinstance(layer, Lambda) else None,
                    owns_embeddings=not (positional and shared),
                )
                shared = shared or (positional and self.shared_embeddings)
                dim, size = EXPANSION * width, out
        yield Part("head", Head(self.classes), dim, self.classes, size, 1)

    @property
    def letters(self) -> frozenset[str]:
        """The letters of its layers."""
        return frozenset(block.layer.letter for stage in self.stages for block in stage)

    @property
    def has_lambda(self) -> bool:
        """Whether any block holds a lambda layer."""
        return Lambda.letter in self.letters

    def most_common_lambda(self) -> Lambda:
        """Return the most common value of each lambda setting (the defaults if there is no lambda layer)."""
        layer = self.most_common_layer(Lambda.letter)
        assert isinstance(layer, Lambda)
        return layer

    def most_common_layer(self, letter: str) -> Layer:
        """Return the most common value of each setting of the layers of this letter (the defaults if there is none)."""
        kind = LAYERS[letter]
        layers = [block.layer for stage in self.stages for block in stage if isinstance(block.layer, kind)] or [kind()]
        values = {name: most_common(getattr(layer, name) for layer in layers) for name in kind.__match_args__}
        return kind(**values)

    def most_common_se(self) -> float:
        """Return the most common squeeze-excitation ratio over the blocks."""
        return most_common(block.se for stage in self.stages for block in stage)


def with_block(part: Part, block: Block, *, k: Any = None, h: Any = None, u: Any = None, m: Any = None) -> Part:
    """Return the ``part`` of a ResNet with another ``block`` in its place, such as one of a search's choices.

    ``k``, ``h``, ``u`` and ``m`` (0 for a global scope) replace those of its lambda layer. Each may be an integer
    array, for many blocks that differ in nothing else. Position embeddings are not shared.
    """
    layer = block.layer
    shape = LambdaShape.of(layer, part.size, k=k, h=h, u=u, m=m) if isinstance(layer, Lambda) else None
    return replace(part, settings=replace(part.settings, block=block), shape=shape, owns_embeddings=True)


def spatial_part(part: Part) -> Part:
    """Return the spatial layer of a bottleneck block as a part of its own, with the average pool that follows it.

    Attention layers that cannot stride have a 2x2 one where the block strides, as in their papers.
    """
    layer, width = part.settings.block.layer, part.dim_out // EXPANSION
    pool = part.pool if isinstance(layer, Lambda) else "2x2" if part.stride > 1 and not layer.strides else None
    return replace(
        part,
        path=f"{part.path}.spatial.{layer.module}",
        settings=layer,
        dim=width,
        dim_out=width,
        size_out=part.size_out if layer.strides else part.size,
        stride=part.stride if layer.strides else 1,
        pool=pool,
    )
