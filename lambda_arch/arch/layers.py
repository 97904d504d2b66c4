"""The spatial layers that a block can hold, each a frozen dataclass of its settings, and their letters in patterns."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, TypeVar

from lambda_arch.arch.attention import (
    Attention,
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
)
from lambda_arch.arch.checks import check_choice, check_odd, check_whole
from lambda_arch.errors import ArchitectureError

Scope = int | Literal["global"]
KeyNorm = Literal["softmax", "l2", "none"]
KEY_NORMS = ("softmax", "l2", "none")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Convolution:
    """The 3x3 convolution of a standard bottleneck."""

    letter: ClassVar[str] = "C"
    module: ClassVar[str] = "conv"
    strides: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Lambda:
    """The settings of a lambda layer, in the paper's letters.

    ``k`` query depth, ``h`` heads, ``u`` intra-depth, ``m`` scope of the position lambdas (m x m positions, odd, or
    ``"global"``). ``content`` and ``position`` say which lambdas are summed; ``bias`` adds a bias of k scalars to the
    position lambdas, as in implementations that compute them with a stock convolution layer. Normalisations:
    ``key_norm`` of the keys over the positions, ``query_softmax`` of the queries over their depth, ``batch_norm`` of
    queries and values.
    """

    letter: ClassVar[str] = "L"
    module: ClassVar[str] = "lambdas"
    strides: ClassVar[bool] = False

    k: int = 16
    h: int = 4
    u: int = 1
    m: Scope = 23
    content: bool = True
    position: bool = True
    bias: bool = False
    key_norm: KeyNorm = "softmax"
    query_softmax: bool = False
    batch_norm: bool = True

    def __post_init__(self) -> None:
        for name in ("k", "h", "u"):
            check_whole(name, getattr(self, name), 4)
        if self.m != "global":
            check_odd("m", self.m, "an odd scope or global", 23)
        if not (self.content or self.position):
            raise ArchitectureError(
                "content=no,position=no: a lambda layer without either computes nothing; expected one of them"
            )
        check_choice("key_norm", self.key_norm, KEY_NORMS)
        for setting in fields(self):  # networks that differ only in settings without effect are equal
            if not self.applies(setting.name):
                object.__setattr__(self, setting.name, setting.default)

    def applies(self, field: str) -> bool:
        """Whether a setting has an effect: scope and bias need position lambdas, the norm of keys content lambdas."""
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
"""Every kind of spatial layer by its letter in a stage pattern.

``module`` is its name in a block, ``strides`` whether it takes the block's stride itself.
"""


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

    def squeezed(self, dim: int) -> int:
        """Return the channels between squeeze and excitation, for an output of ``dim`` channels."""
        return max(1, int(dim * self.se))


def most_common(values: Iterable[T], prefer: T | None = None) -> T:
    """Return the most common of ``values``; ties go to ``prefer``, else to the first to occur."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value == prefer))
