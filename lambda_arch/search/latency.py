"""Latency as a cost of blocks: any function from a part of a network to seconds.

Who measured them, on what device, is not this room's business: a calibration hands in such a function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lambda_arch.arch import Block


@dataclass(frozen=True)
class Part:
    """A stem, a block or a head, where it stands: all that its latency may depend on, besides device and setup.

    ``size`` is the side of its input map. ``stem`` and ``classes`` are set for stems and heads, ``stage`` (from 0),
    ``first`` (of its stage) and ``block`` for blocks.
    """

    kind: Literal["stem", "block", "head"]
    size: int
    stage: int = 0
    first: bool = False
    block: Block | None = None
    shortcut_bias: bool = False
    stem: str = ""
    classes: int = 0


@dataclass(frozen=True)
class Latency:
    """A calibration: ``seconds`` of a part for one batch of ``batch`` images, and ``setup`` that says of what device."""

    seconds: Callable[[Part], float]
    batch: int = 1
    setup: str = ""
