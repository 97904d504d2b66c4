"""Latency as a cost of parts: what a calibration of a device hands to a search.

Who measured it, and how, is not this room's business.
"""

from dataclasses import dataclass
from typing import Protocol

from lambda_arch.arch import Block


class Seconds(Protocol):
    """Seconds of every part of a network for one batch; KeyError for a part that was not measured."""

    def __call__(self, stage: int, first: bool, block: Block, size: int) -> float:
        """Return those of a block; ``stage`` counts from 0, ``size`` is the side of its input map."""
        ...

    def stem(self, kind: str, image_size: int) -> float:
        """Return those of a stem."""
        ...

    def head(self, classes: int, size: int) -> float:
        """Return those of a head whose input map has side ``size``."""
        ...


@dataclass(frozen=True)
class Latency:
    """A calibration: ``seconds`` for a batch of ``batch`` images, and ``setup``: in a few words, on what."""

    seconds: Seconds
    batch: int = 1
    setup: str = ""
