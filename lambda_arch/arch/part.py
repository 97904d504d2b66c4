"""The walk: a network as its parts in order, the one place where channels, map sides and strides are worked out.

``architecture.parts()`` yields them; the closed form, counts of many architectures, memory, latency by block and the
torch builder all consume it. Sides are plain arithmetic: integers, or integer arrays of any shape for many image sizes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from lambda_arch.arch.layers import Lambda


class LambdaShape(NamedTuple):
    """The numbers of a lambda layer on a given map, each an integer or an integer array.

    ``context``: the positions that a position lambda sums over; ``embeddings``: how many are stored for them. Both are
    m * m for a local scope; n, and every offset there is, (2 * size - 1)**2, for a global one.
    """

    k: int
    h: int
    u: int
    context: int
    embeddings: int

    @classmethod
    def of(
        cls, layer: Lambda, size: int, *, k: Any = None, h: Any = None, u: Any = None, m: Any = None
    ) -> "LambdaShape":
        """Return the shape of ``layer`` on a map of side ``size``.

        ``k``, ``h``, ``u`` and ``m`` (0 for a global scope) replace those of the layer; any of them may be an array.
        """
        m = (0 if layer.m == "global" else layer.m) if m is None else m
        everywhere = m == 0
        return cls(
            layer.k if k is None else k,
            layer.h if h is None else h,
            layer.u if u is None else u,
            m * m + everywhere * (size * size),
            m * m + everywhere * (2 * size - 1) ** 2,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """One stem, block, layer or head of a network.

    ``path``: of its module in the built network (``stem``, ``c4.3``, ``layer7``, ``head``). ``settings``: a frozen
    value that says what is there; costs and modules are looked up by its type. ``dim`` to ``dim_out`` channels on maps
    of side ``size`` to ``size_out``, ``stride`` apart. ``stage`` counts from 0, None outside of stages; ``first``: of
    its stage. ``pool``: the average pool that a lambda layer has after it in this place (``strided``, ``first``,
    ``2x2``), None for none. ``shape``: the numbers of its lambda layer, None where it holds none. ``owns_embeddings``:
    whether its position embeddings are its own, or an earlier layer's of its stage.

    ``size``, ``size_out`` and what is in ``shape`` may be arrays; see :func:`lambda_arch.arch.resnet.with_block` for
    another block in the same place.
    """

    path: str
    settings: Any
    dim: int
    dim_out: int
    size: int
    size_out: int
    stride: int = 1
    stage: int | None = None
    first: bool = False
    pool: str | None = None
    shape: LambdaShape | None = None
    owns_embeddings: bool = True


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier of the channels' means."""

    classes: int


def halve(size: int) -> int:
    """Return the side of a map after a stride of 2 with half padding."""
    return (size + 1) // 2
