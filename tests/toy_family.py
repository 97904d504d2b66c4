"""An extension: a family with a kind of part of its own, and an option of every lambda layer."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lambda_arch.arch import Extension, Family, Head, Lambda, LambdaShape, Option, Part, formula_of, halve, module_of
from lambda_arch.arch.checks import check_image_size, check_whole
from lambda_arch.arch.options import read_whole, read_yes_no
from lambda_arch.costs.lambda_layer import lambda_layer
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv


@dataclass(frozen=True, slots=True)
class ToyLambda(Lambda):
    """A lambda layer with one more setting: whether a 1x1 convolution mixes its output."""

    mixed: bool = False


@formula_of(ToyLambda)
def toy_lambda_rows(part: Part) -> Iterator[Row]:
    yield from lambda_layer(part)
    if part.settings.mixed:
        yield conv(f"{part.path}.mix", part.dim_out, part.dim_out, 1, part.size_out)


@module_of(ToyLambda)
def toy_lambda_module(part: Part) -> Any:
    from torch import nn

    from lambda_arch.nn import LambdaLayer

    class ToyLambdaLayer(LambdaLayer):
        def forward(self, x: Any) -> Any:
            x = super().forward(x)
            return self.mix(x) if self.settings.mixed else x

    layer = ToyLambdaLayer(part.dim, part.dim_out, size=part.size, **asdict(part.settings))
    if part.settings.mixed:
        layer.mix = nn.Conv2d(part.dim_out, part.dim_out, 1, bias=False)
    return layer


@dataclass(frozen=True, slots=True)
class Patches:
    """A 2x2 convolution of stride 2."""


@formula_of(Patches)
def patches_rows(part: Part) -> Iterator[Row]:
    yield conv(part.path, part.dim, part.dim_out, 4, part.size_out)


@module_of(Patches)
def patches_module(part: Part) -> Any:
    from torch import nn

    return nn.Conv2d(part.dim, part.dim_out, 2, 2, bias=False, padding=part.size % 2)


@dataclass(frozen=True, slots=True)
class Toy:
    """Patches, one lambda layer, a head."""

    width: int = 8
    layer: ToyLambda = ToyLambda(k=2, h=2, m=3)
    classes: int = 10
    image_size: int = 32
    letters = frozenset("L")

    def __post_init__(self) -> None:
        check_whole("width", self.width, 8)
        check_whole("classes", self.classes, 10)
        check_image_size(self.image_size, strides=1)

    def __str__(self) -> str:
        options = [] if self.width == 8 else [f"width={self.width}"]
        options += ["mixed=yes"] if self.layer.mixed else []
        size = "" if self.image_size == 32 else f"@{self.image_size}"
        return f"toy{':' if options else ''}{','.join(options)}{size}"

    def parts(self, image_size: Any = None) -> Iterator[Part]:
        side = self.image_size if image_size is None else image_size
        size = halve(side)
        yield Part("stem", Patches(), 3, self.width, side, size, 2)
        shape = LambdaShape.of(self.layer, size)
        yield Part("mixer", self.layer, self.width, self.width, size, size, shape=shape)
        yield Part("head", Head(self.classes), self.width, self.classes, size, 1)


def configure_toy(base: Toy, settings: Any, image_size: int | None = None) -> Toy:
    network = {s.option.field: s.value for s in settings if s.option.level == "network"}
    layer = {s.option.field: s.value for s in settings if s.option.level == "lambda"}
    values = {**{name: getattr(base, name) for name in ("width", "classes", "image_size")}, **network}
    if image_size is not None:
        values["image_size"] = image_size
    return Toy(layer=ToyLambda(**{**asdict(base.layer), **layer}), **values)


EXTENSION = Extension(
    families=(Family(Toy, {"toy": "patches and a lambda layer"}, lambda name: Toy(), configure_toy, letters="L"),),
    options=(
        Option("width", "network", read_whole, "Channels of the toy.", "N"),
        Option("mixed", "lambda", read_yes_no, "Mix the output of lambda layers: yes or no.", "yes|no"),
    ),
    layers=(ToyLambda,),
)
