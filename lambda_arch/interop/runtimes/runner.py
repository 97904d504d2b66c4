"""A network loaded in a runtime."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Runner:
    """``step`` runs the network on the images that it was loaded for, and returns logits (b, classes).

    ``precision``: in which it computes, as the runtime calls it.
    """

    step: Callable[[], Tensor]
    precision: str
