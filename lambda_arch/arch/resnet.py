"""What a ResNet or LambdaResNet is: immutable values, checked when they are made.

A network is stem, four stages of bottleneck blocks (c2 to c5), pooled linear head. Each block holds one spatial layer
between its two 1x1 convolutions: a 3x3 convolution, a lambda layer (Bello, ICLR 2021, section 5), or one of the layers
that the paper compares with.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, TypeVar

from lambda_arch.arch.attention import (
    Attention,
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
    check_fits,
    nearest_divisor,
)
from lambda_arch.errors import ArchitectureError

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
"""Bottleneck blocks in c2 to c5 for each depth (He et al. 2016; 270 to 420 from Bello et al. 2021; 18, 26 and 38 as
the public re-implementations build them, of bottlenecks too)."""

STAGES = ("c2", "c3", "c4", "c5")
WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
STEM_WIDTHS = {"7x7": (64,), "deep": (32, 32, 64), "rs": (32, 32, 64), "tiered": (24, 32, 64)}
"""Channels of each stem's convolutions before its pool: one of 7x7, or three of 3x3."""

STEMS = tuple(STEM_WIDTHS)
POOLS = ("strided", "first", "2x2")
ACTIVATIONS = ("relu", "silu")
MIN_IMAGE_SIZE = 32

DEFAULT_SCOPE = 23

T = TypeVar("T")
Scope = int | Literal["global"]
KeyNorm = Literal["softmax", "l2", "none"]
KEY_NORMS = ("softmax", "l2", "none")
Stem = Literal["7x7", "deep", "rs", "tiered"]
Pool = Literal["strided", "first", "2x2"]
Activation = Literal["relu", "silu"]


@dataclass(frozen=True, slots=True)
class Convolution:
    """The 3x3 convolution of an ordinary bottleneck."""

    letter: ClassVar[str] = "C"


@dataclass(frozen=True, slots=True)
class Lambda:
    """The settings of a lambda layer, in the paper's letters.

    ``k`` query depth, ``h`` heads, ``u`` intra-depth, ``m`` scope of the position lambdas (m x m positions, odd, or
    ``"global"``). ``content`` and ``position`` say which lambdas are summed; ``bias`` adds a bias of k scalars to the
    position lambdas, as implementations that use a stock convolution layer for them do. The paper's normalisations:
    ``key_norm`` of the keys over the positions, ``query_softmax`` of the queries over their depth too, ``batch_norm``
    of queries and values.
    """

    letter: ClassVar[str] = "L"

    k: int = 16
    h: int = 4
    u: int = 1
    m: Scope = DEFAULT_SCOPE
    content: bool = True
    position: bool = True
    bias: bool = False
    key_norm: KeyNorm = "softmax"
    query_softmax: bool = False
    batch_norm: bool = True

    def __post_init__(self) -> None:
        for name in ("k", "h", "u"):
            value = getattr(self, name)
            if not _is_int(value) or value < 1:
                raise ArchitectureError(f"{name}={value}: expected a whole number from 1, such as {name}=4")
        if self.m != "global" and (not _is_int(self.m) or self.m < 1 or self.m % 2 == 0):
            odd = f"m={self.m + 1}" if _is_int(self.m) and self.m > 0 else "m=23"
            raise ArchitectureError(f"m={self.m}: expected an odd scope or global, such as {odd}")
        if not (self.content or self.position):
            raise ArchitectureError(
                "content=no,position=no: a lambda layer without either computes nothing; expected one of them"
            )
        if self.key_norm not in KEY_NORMS:
            raise ArchitectureError(f"key_norm={self.key_norm}: expected one of {', '.join(KEY_NORMS)}")
        for setting in fields(self):  # one architecture, one value
            if not self.means(setting.name):
                object.__setattr__(self, setting.name, setting.default)

    def means(self, field: str) -> bool:
        """Whether a setting has a meaning: scope and bias need position lambdas, the norm of keys content lambdas."""
        return {"m": self.position, "bias": self.position, "key_norm": self.content}.get(field, True)


Layer = Convolution | Lambda | Attention

LAYERS: dict[str, type[Layer]] = {
    kind.letter: kind
    for kind in (
        Convolution,
        Lambda,
        GlobalAttention,
        AxialAttention,
        LocalAttention,
        AugmentedConvolution,
        DoubleAttention,
    )
}
"""Every kind of spatial layer by its letter in a stage pattern."""


@dataclass(frozen=True, slots=True)
class Block:
    """A bottleneck block: its spatial layer, and squeeze-excitation of ratio ``se`` after its last 1x1 (0 for none)."""

    layer: Layer = Convolution()
    se: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.se <= 1:
            raise ArchitectureError(
                f"se={self.se:g}: expected a squeeze-excitation ratio from 0 (none) to 1, such as se=0.25"
            )
        object.__setattr__(self, "se", float(self.se))


@dataclass(frozen=True, slots=True)
class ResNet:
    """A ResNet or LambdaResNet of bottlenecks.

    ``stages`` holds the blocks of c2 to c5. ``stem``: ``7x7`` (He et al. 2016), ``deep`` (three 3x3 convolutions, as in
    ResNet-D, He et al. 2019), ``rs`` (deep, with a stride-2 convolution for the max-pool, as in ResNet-RS, Bello et
    al. 2021) or ``tiered`` (deep, of 24, 32 and 64 channels, as in timm). ``stride`` says whether the first blocks of
    c3, c4 and c5 halve their maps. ``pool`` says which lambda layers have an average-pool after them: a 3x3 one those
    of blocks that stride, or those of the ``first`` block of every stage, with a stride or without (as leaderj1001
    builds them); or a ``2x2`` one those of blocks that stride (as in timm). ``activation`` follows norms and sums, but
    for that of squeeze-excitation, a ReLU. ``shortcut_bias`` adds a bias to the shortcut convolutions. With
    ``shared_embeddings`` the lambda layers of a stage have one set of position embeddings (the paper's Table 4).
    ``str()`` is the canonical name.

    Raises :class:`ArchitectureError` for a network that cannot be built.
    """

    depth: int
    stages: tuple[tuple[Block, ...], ...]
    stem: Stem = "7x7"
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
        if self.stem not in STEMS:
            raise ArchitectureError(f"stem={self.stem}: expected one of {', '.join(STEMS)}")
        if self.pool not in POOLS:
            raise ArchitectureError(f"pool={self.pool}: expected one of {', '.join(POOLS)}")
        if self.activation not in ACTIVATIONS:
            raise ArchitectureError(f"activation={self.activation}: expected one of {', '.join(ACTIVATIONS)}")
        if not _is_int(self.classes) or self.classes < 1:
            raise ArchitectureError(f"classes={self.classes}: expected a whole number from 1, such as classes=1000")
        if not _is_int(self.image_size) or self.image_size < MIN_IMAGE_SIZE:
            raise ArchitectureError(
                f"image_size={self.image_size}: expected at least {MIN_IMAGE_SIZE}, for the five strides of 2"
            )
        self._check_layers()
        self._check_sharing()

    def _check_layers(self) -> None:
        for place, width, layer in self._lambda_blocks():
            if width % layer.h:
                best = nearest_divisor(layer.h, width)
                raise ArchitectureError(
                    f"h={layer.h}: expected heads that divide the {width} channels of {place}, such as h={best}"
                )
        for place, width, stage in zip(STAGES, WIDTHS, self.stages, strict=True):
            for block in stage:
                if isinstance(block.layer, Attention):
                    check_fits(block.layer, place, width, EXPANSION * width)
        strided = self.stages[1:] if self.stride else ()
        concerned = {"first": self.stages[: len(self.stages) - len(strided)], "2x2": strided}.get(self.pool, ())
        if not any(isinstance(stage[0].layer, Lambda) for stage in concerned):
            object.__setattr__(self, "pool", "strided")  # no other pools: one architecture, one value

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
        from lambda_arch.arch.resnet_names import canonical_name

        return canonical_name(self)

    def block_stride(self, stage: int, first: bool) -> int:
        """Return the stride of a block of the ``stage`` (counted from 0), be it its ``first`` or another."""
        return 2 if self.stride and first and stage > 0 else 1

    def has_pool(self, stage: int, first: bool) -> bool:
        """Whether a lambda layer in such a block has an average-pool after it."""
        return self.block_stride(stage, first) > 1 or (first and self.pool == "first")

    def _lambda_blocks(self) -> Iterator[tuple[str, int, Lambda]]:
        for name, width, stage in zip(STAGES, WIDTHS, self.stages, strict=True):
            for block in stage:
                if isinstance(block.layer, Lambda):
                    yield name, width, block.layer

    @property
    def letters(self) -> frozenset[str]:
        """The letters of the layers that there are."""
        return frozenset(block.layer.letter for stage in self.stages for block in stage)

    @property
    def has_lambda(self) -> bool:
        """Whether any block holds a lambda layer."""
        return Lambda.letter in self.letters

    def prevailing_lambda(self) -> Lambda:
        """Return the most common value of each lambda setting (the defaults where there is no lambda layer)."""
        layer = self.prevailing_layer(Lambda.letter)
        assert isinstance(layer, Lambda)
        return layer

    def prevailing_layer(self, letter: str) -> Layer:
        """Return the most common value of each setting of the layers of this letter (the defaults if there is none)."""
        kind = LAYERS[letter]
        layers = [block.layer for stage in self.stages for block in stage if isinstance(block.layer, kind)] or [kind()]
        names = [field.name for field in fields(kind)]
        return kind(**{name: prevailing(getattr(layer, name) for layer in layers) for name in names})

    def prevailing_se(self) -> float:
        """Return the most common squeeze-excitation ratio over the blocks."""
        return prevailing(block.se for stage in self.stages for block in stage)


def prevailing(values: Iterable[T], prefer: T | None = None) -> T:
    """Return the most common of ``values``; among equals ``prefer``, else the first to occur."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value == prefer))


def dashed(blocks: tuple[int, ...]) -> str:
    """Write block counts as the field does: ``3-4-6-3``."""
    return "-".join(map(str, blocks))


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
