"""The ledger: the costs of an architecture, one row per module."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from lambda_arch.results import Result


class Row(NamedTuple):
    """The cost of one module for one image.

    ``path`` is the module's path in the built network, ``shape`` its output shape for a batch of one, ``macs`` the
    multiply-accumulates of convolutions, linear layers and matrix products, of them ``backward_macs`` in the backward
    pass (0 in inference), ``fvcore_flops`` what fvcore's own total counts in the forward pass, which includes
    normalisation and global average pooling. Counts are integers, or numpy arrays for many architectures at once.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    params: int = 0
    macs: int = 0
    fvcore_flops: int = 0
    backward_macs: int = 0

    @property
    def part(self) -> str:
        """The stem, stage or head that the module is in."""
        return self.path.partition(".")[0]

    @property
    def flops(self) -> int:
        """Twice the multiply-accumulates."""
        return 2 * self.macs

    @property
    def activations(self) -> int:
        """Elements of the module's output."""
        return prod(self.shape)


@dataclass(frozen=True)
class Ledger(Result):
    """The ``rows`` of one ``architecture``, and their sums. All counts are exact integers, for one image.

    ``image_size``: the side of the image in pixels. ``mode``: ``inference``, or ``train`` if the MACs are those of a
    training step.
    """

    architecture: str
    image_size: int
    rows: tuple[Row, ...]
    mode: str = "inference"

    @cached_property
    def params(self) -> int:
        """Trainable scalars."""
        return sum(row.params for row in self.rows)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions, linear layers and matrix products."""
        return sum(row.macs for row in self.rows)

    @cached_property
    def backward_macs(self) -> int:
        """Multiply-accumulates of the backward pass; 0 in inference."""
        return sum(row.backward_macs for row in self.rows)

    @property
    def flops(self) -> int:
        """Twice the multiply-accumulates."""
        return 2 * self.macs

    @cached_property
    def fvcore_flops(self) -> int:
        """The total of fvcore 0.1.5: multiply-accumulates, and the elements of norms and global average pools."""
        return sum(row.fvcore_flops for row in self.rows)

    @cached_property
    def activations(self) -> int:
        """Elements of all modules' outputs, except those of element-wise modules such as ReLU."""
        return sum(row.activations for row in self.rows)

    def by_part(self) -> dict[str, "Ledger"]:
        """Return a ledger each for the stem, every stage (or layer) and the head, in the network's order."""
        rows: dict[str, list[Row]] = {}
        for row in self.rows:
            rows.setdefault(row.part, []).append(row)
        return {part: Ledger(self.architecture, self.image_size, tuple(own), self.mode) for part, own in rows.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the totals as plain integers; those of the backward pass, and the mode, only of a training step."""
        names = ["params", "macs", "flops", "fvcore_flops", "activations"]
        trains = {"mode": self.mode, "backward_macs": self.backward_macs} if self.mode == "train" else {}
        return {
            "architecture": self.architecture,
            "image_size": self.image_size,
            **{name: getattr(self, name) for name in names},
            **trains,
        }
