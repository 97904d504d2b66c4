"""The walk over a network: its parts in order, with their channels, map sides and strides.

``architecture.parts()`` yields them, and nothing else computes geometry: the closed form, counts of many architectures,
memory, latency by block and the torch builder all consume them. Sides are integers, or integer arrays of any shape for
many image sizes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from lambda_arch.arch.layers import Lambda


class LambdaShape(NamedTuple):
    """The numbers of a lambda layer on a given map, each an integer or an integer array.

    ``context``: the positions that a position lambda sums over; ``embeddings``: how many embeddings are stored for
    them. Both are m * m for a local scope. For a global one they are n and the number of offsets, (2 * size - 1)**2.
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

    - ``path``: of its module in the built network (``stem``, ``c4.3``, ``layer7``, ``head``)
    - ``settings``: a frozen dataclass; closed form and module are looked up by its type
    - ``dim``, ``dim_out``: channels in and out; ``size``, ``size_out``: map sides in and out; ``stride`` between them
    - ``stage``: counted from 0, None outside of stages; ``first``: whether it is the first of its stage
    - ``pool``: the average pool after its lambda layer (``strided``, ``first``, ``2x2``), None for none
    - ``shape``: the numbers of its lambda layer, None if it has none
    - ``owns_embeddings``: whether its position embeddings are its own, not shared from an earlier layer of its stage

    ``size``, ``size_out`` and the numbers in ``shape`` may be arrays. To put another block in the same place, use
    :func:`lambda_arch.arch.resnet.with_block`.
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
    """Global average pooling and a linear classifier."""

    classes: int


def halve(size: int) -> int:
    """Return the side of a map after a stride of 2 with half padding."""
    return (size + 1) // 2
