"""MobileNet-v1 and Lambda MobileNet as immutable values, checked when they are made.

The network of Howard et al. 2017 as github.com/rajatsaini0294/lambda-mobilenets builds it for CIFAR-100: a stem without
stride, thirteen layers, a linear head. Each layer is a depthwise-separable block, a lambda layer alone (which never
strides), or removed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from lambda_arch.arch.checks import check_heads, check_image_size, check_whole
from lambda_arch.arch.layers import LAYERS as KINDS
from lambda_arch.arch.layers import Lambda
from lambda_arch.arch.options import OPTIONS, Setting
from lambda_arch.arch.part import Head, LambdaShape, Part, halve
from lambda_arch.errors import ArchitectureError


class Layer(NamedTuple):
    """The geometry of a layer: channels in and out, and the stride of its block."""

    dim: int
    dim_out: int
    stride: int

    @property
    def removable(self) -> bool:
        """Whether its neighbours fit together without it."""
        return self.dim == self.dim_out


LAYERS = (
    Layer(32, 64, 1),
    Layer(64, 128, 2),
    Layer(128, 128, 1),
    Layer(128, 256, 2),
    Layer(256, 256, 1),
    Layer(256, 512, 2),
    *(Layer(512, 512, 1),) * 5,
    Layer(512, 1024, 2),
    Layer(1024, 1024, 1),
)
"""Layers 1 to 13 (Howard et al. 2017, table 1). The stem is layer 0."""

LAMBDA = Lambda(k=4, h=4, u=1, m=3, bias=True)
"""The lambda layer of lambda-mobilenets."""

BASE_NAMES = {
    "mobilenet": "MobileNet-v1 for CIFAR-100, stem without stride",
    "lambda_mobilenet": "lambda-mobilenets, the pattern of its code (A5)",
}
PATTERNS = {"mobilenet": "C" * (1 + len(LAYERS)), "lambda_mobilenet": "CCCCCCL-----C-"}


@dataclass(frozen=True, slots=True)
class Stem:
    """A 3x3 convolution of stride 1, with its norm and ReLU."""


@dataclass(frozen=True, slots=True)
class Separable:
    """A depthwise and a pointwise convolution, each with its norm and ReLU (Howard et al. 2017)."""


@dataclass(frozen=True, slots=True)
class MobileNet:
    """A MobileNet-v1 or Lambda MobileNet.

    ``layers``: one letter per layer, from 0 (the stem, always C) to 13: C a depthwise-separable block, L a lambda layer
    alone, - removed. ``layer``: the settings of every lambda layer. ``str()`` is the canonical name.

    Raises :class:`ArchitectureError` for a network that cannot be built.
    """

    layers: str = PATTERNS["mobilenet"]
    layer: Lambda = LAMBDA
    classes: int = 100
    image_size: int = 32

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", self.layers.strip().upper())
        _check_pattern(self.layers)
        if not self.has_lambda:  # networks that differ only in settings without effect are equal
            object.__setattr__(self, "layer", _usual())
        for number, (letter, layer) in enumerate(zip(self.layers[1:], LAYERS, strict=True), 1):
            if letter == "L":
                check_heads("h", self.layer.h, layer.dim_out, f"layer {number}")
        check_whole("classes", self.classes, 100)
        check_image_size(self.image_size, strides=4)

    def __str__(self) -> str:
        usual = _usual()
        options = [] if self.layers == PATTERNS["mobilenet"] else [f"layers={self.layers}"]
        for option in OPTIONS:
            if option.level != "lambda" or not self.layer.applies(option.field):
                continue
            value = getattr(self.layer, option.field)
            if value != getattr(usual, option.field):
                options.append(f"{option.name}={option.write(value)}")
        if self.classes != 100:
            options.append(f"classes={self.classes}")
        size = "" if self.image_size == 32 else f"@{self.image_size}"
        name = "lambda_mobilenet" if self.has_lambda else "mobilenet"
        return f"{name}{':' if options else ''}{','.join(options)}{size}"

    def parts(self, image_size: Any = None) -> Iterator[Part]:
        """Yield stem, layers and head in order; ``image_size`` (an integer or an array) replaces the network's own."""
        size = self.image_size if image_size is None else image_size
        yield Part("stem", Stem(), 3, LAYERS[0].dim, size, size)
        for number, (letter, (dim, dim_out, stride)) in enumerate(zip(self.layers[1:], LAYERS, strict=True), 1):
            if letter == "L":
                shape = LambdaShape.of(self.layer, size)
                yield Part(f"layer{number}", self.layer, dim, dim_out, size, size, shape=shape)
            elif letter == "C":
                out = halve(size) if stride == 2 else size
                yield Part(f"layer{number}", Separable(), dim, dim_out, size, out, stride)
                size = out
        yield Part("head", Head(self.classes), LAYERS[-1].dim_out, self.classes, size, 1)

    @property
    def letters(self) -> frozenset[str]:
        """The letters of its layers."""
        return frozenset(self.layers) - {"-"}

    @property
    def has_lambda(self) -> bool:
        """Whether any layer is a lambda layer."""
        return "L" in self.layers


def base_mobilenet(name: str) -> MobileNet:
    """Return the MobileNet of a base name."""
    return MobileNet(PATTERNS[name], layer=_usual())


def _usual() -> Lambda:
    """Return the lambda layer of the code, of the kind that an extension may have put in ours' place."""
    layer = KINDS["L"](**asdict(LAMBDA))
    assert isinstance(layer, Lambda)
    return layer


def configure_mobilenet(base: MobileNet, settings: Sequence[Setting], image_size: int | None = None) -> MobileNet:
    """Return ``base`` with ``settings`` on top; those of lambda layers apply to all of them."""
    changes: dict[str, Any] = {s.option.field: s.value for s in settings if s.option.level == "network"}
    of_layer: dict[str, Any] = {s.option.field: s.value for s in settings if s.option.level == "lambda"}
    usual = _usual()
    layer = asdict(base.layer)
    # settings without effect were not kept: position=yes restores the default scope and bias
    layer |= {name: getattr(usual, name) for name in layer if not base.layer.applies(name)}
    changes["layer"] = type(usual)(**(layer | of_layer))
    if image_size is not None:
        changes["image_size"] = image_size
    return replace(base, **changes)


def _check_pattern(layers: str) -> None:
    if len(layers) != 1 + len(LAYERS):
        raise ArchitectureError(
            f"layers={layers}: expected {1 + len(LAYERS)} letters, for layers 0 to {len(LAYERS)}, "
            f"such as {PATTERNS['lambda_mobilenet']}; it has {len(layers)}"
        )
    wrong = next((letter for letter in layers if letter not in "CL-"), None)
    if wrong:
        raise ArchitectureError(
            f"layers={layers}: expected C (block), L (lambda layer) or - (removed) where it says {wrong}"
        )
    if layers[0] != "C":
        raise ArchitectureError(
            f"layers={layers}: expected C for layer 0, the stem, such as {PATTERNS['lambda_mobilenet']}"
        )
    for number, (letter, layer) in enumerate(zip(layers[1:], LAYERS, strict=True), 1):
        if letter == "-" and not layer.removable:
            raise ArchitectureError(
                f"layers={layers}: layer {number} has {layer.dim} channels in and {layer.dim_out} out and cannot be "
                f"removed; expected C or L there"
            )
