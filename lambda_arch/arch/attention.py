"""The layers that the LambdaNetworks paper compares with (its Tables 3 and 4), as spatial layers of a bottleneck.

Each is defined as in its own paper; docs/comparison-layers.md lists what a paper leaves open.
"""

from dataclasses import dataclass
from typing import ClassVar

from lambda_arch.arch.checks import check_heads, check_odd, check_whole, nearest_divisor
from lambda_arch.errors import ArchitectureError

HEADS = 8
"""Heads of all these layers (Bello et al. 2019, Ramachandran et al. 2019, Wang et al. 2020: eight)."""
LEAST_KEY_DEPTH = 20
"""Minimum key channels per head in an attention-augmented convolution (Bello et al. 2019, section 4.1)."""


@dataclass(frozen=True, slots=True)
class GlobalAttention:
    """Relative self-attention over the whole map (Bello et al. 2019; BoTNet, Srinivas et al. 2021).

    ``heads`` divide the channels; the relative embeddings are shared between them.
    """

    letter: ClassVar[str] = "G"
    module: ClassVar[str] = "attention"
    strides: ClassVar[bool] = False
    share: ClassVar[int] = 1  # each head's channels are a multiple of this

    heads: int = HEADS

    def __post_init__(self) -> None:
        check_whole("heads", self.heads, HEADS)


@dataclass(frozen=True, slots=True)
class AxialAttention:
    """Relative self-attention down the columns, then along the rows (Wang et al. 2020, Axial-DeepLab).

    Queries and keys have half as many channels as values.
    """

    letter: ClassVar[str] = "X"
    module: ClassVar[str] = "attention"
    strides: ClassVar[bool] = False
    share: ClassVar[int] = 2

    heads: int = HEADS

    def __post_init__(self) -> None:
        check_whole("heads", self.heads, HEADS)


@dataclass(frozen=True, slots=True)
class LocalAttention:
    """Relative self-attention over the ``extent`` x ``extent`` positions around each (Ramachandran et al. 2019).

    Half of each head's relative embedding encodes the row, half the column.
    """

    letter: ClassVar[str] = "S"
    module: ClassVar[str] = "attention"
    strides: ClassVar[bool] = False
    share: ClassVar[int] = 2

    heads: int = HEADS
    extent: int = 7

    def __post_init__(self) -> None:
        check_whole("heads", self.heads, HEADS)
        check_odd("extent", self.extent, "an odd spatial extent", 7)


@dataclass(frozen=True, slots=True)
class AugmentedConvolution:
    """A 3x3 convolution in parallel with global relative self-attention, concatenated (Bello et al. 2019).

    ``kappa`` is the ratio of key channels to output channels, ``upsilon`` that of value channels. ``downsample``
    computes the attention on a map of half the side, as the paper does on its largest maps.
    """

    letter: ClassVar[str] = "A"
    module: ClassVar[str] = "augmented"
    strides: ClassVar[bool] = True

    heads: int = HEADS
    kappa: float = 0.2
    upsilon: float = 0.1
    downsample: bool = False

    def __post_init__(self) -> None:
        check_whole("heads", self.heads, HEADS)
        for name in ("kappa", "upsilon"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise ArchitectureError(f"{name}={value:g}: expected a ratio between 0 and 1, such as {name}=0.2")
            object.__setattr__(self, name, float(value))

    def depths(self, width: int) -> tuple[int, int]:
        """Return the channels of the keys and of the values for ``width`` output channels, over all heads.

        Both are rounded down to whole channels per head; keys have at least 20 per head, values at least one.
        """
        keys = max(_floor(self.kappa * width) // self.heads, LEAST_KEY_DEPTH) * self.heads
        values = max(_floor(self.upsilon * width) // self.heads, 1) * self.heads
        return keys, values


@dataclass(frozen=True, slots=True)
class DoubleAttention:
    """A 3x3 convolution in the bottleneck, followed by a double attention block (Chen et al. 2018, A2-Nets).

    The attention block is residual and works on the bottleneck's output. Its three projections have 1 / ``reduction``
    of the output's channels.
    """

    letter: ClassVar[str] = "D"
    module: ClassVar[str] = "conv"
    strides: ClassVar[bool] = True

    reduction: int = 2

    def __post_init__(self) -> None:
        check_whole("reduction", self.reduction, 2)


Attention = GlobalAttention | AxialAttention | LocalAttention | AugmentedConvolution | DoubleAttention


def check_fits(layer: Attention, place: str, width: int, dim_out: int) -> None:
    """Raise :class:`ArchitectureError` for a layer that cannot be built in the ``width``-wide blocks of ``place``."""
    if isinstance(layer, DoubleAttention):
        if dim_out % layer.reduction:
            best = nearest_divisor(layer.reduction, dim_out)
            raise ArchitectureError(
                f"reduction={layer.reduction}: expected a divisor of the {dim_out} channels of {place}, "
                f"such as reduction={best}"
            )
    elif isinstance(layer, AugmentedConvolution):
        values = layer.depths(width)[1]
        if values >= width:
            raise ArchitectureError(
                f"heads={layer.heads},upsilon={layer.upsilon:g}: expected fewer than the {width} channels of {place} "
                f"for the values, where they need {values}; such as heads={HEADS}"
            )
    else:
        whose = f"the {width}" if layer.share == 1 else f"half the {width}"
        check_heads("heads", layer.heads, width // layer.share, place, whose)


def _floor(value: float) -> int:
    return int(value + 1e-9)  # 0.7 * 10 is 7 despite rounding errors
