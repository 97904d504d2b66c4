"""The inputs of a module, as text: ``1,3,224,224``, or ``1,77:int64`` for another dtype than float32. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from lambda_arch.errors import SetupError, did_you_mean, shown

if TYPE_CHECKING:
    import torch

FLOATING = ("float32", "float16", "bfloat16", "float64")
DTYPES = (*FLOATING, "int64", "int32", "int16", "int8", "uint8", "bool")
MOST = 2**31
"""Elements of an input at most."""


@dataclass(frozen=True, slots=True)
class Input:
    """The shape and the dtype (by torch's name) of one input; the first dimension is the batch."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        shape = ",".join(map(str, self.shape))
        return shape if self.dtype == "float32" else f"{shape}:{self.dtype}"

    def of_batch(self, batch_size: int) -> "Input":
        """Return the input for a batch, if its first dimension is 1."""
        return replace(self, shape=(batch_size, *self.shape[1:])) if self.shape[0] == 1 else self

    def tensor(self) -> "torch.Tensor":
        """Return such a tensor: normally distributed; integers and booleans are 0 or 1, which any embedding has."""
        import torch

        dtype = getattr(torch, self.dtype)
        return torch.randn(self.shape).to(dtype) if self.dtype in FLOATING else torch.randint(2, self.shape).to(dtype)


def image_input(image_size: int = 224) -> Input:
    """Return the input of one image."""
    return Input((1, 3, image_size, image_size))


def read_input(text: str) -> Input:
    """Return the input of a text. Raises :class:`SetupError` for what is no shape, and for an unknown dtype."""
    shape, colon, dtype = (part.strip() for part in text.partition(":"))
    sides = [side.strip() for side in shape.split(",")]
    if not all(side.isascii() and side.isdigit() and len(side) < 10 and int(side) for side in sides):
        raise SetupError(f"input={shown(text)}: expected whole numbers from 1, such as 1,3,224,224 or 1,77:int64")
    if colon and dtype not in DTYPES:
        raise SetupError(f"input={shown(text)}: expected one of {', '.join(DTYPES)}{did_you_mean(dtype, DTYPES)}")
    found = Input(tuple(map(int, sides)), dtype or "float32")
    if prod(found.shape) > MOST:
        raise SetupError(f"input={shown(text)}: {prod(found.shape):,} elements; expected at most {MOST:,}")
    return found


def read_inputs(given: str | Sequence[str]) -> tuple[Input, ...]:
    """Return one or several inputs."""
    return tuple(map(read_input, [given] if isinstance(given, str) else given))
