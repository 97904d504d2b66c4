"""The inverse question: which architectures have this printed number?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_arch.arch import BLOCKS, Architecture
from lambda_arch.comparing.figure import Figure
from lambda_arch.comparing.space import IMAGE_SIZES, Space
from lambda_arch.costs import count


@dataclass(frozen=True)
class Match:
    """An architecture within the rounding of what was asked, and how many of its settings are not the defaults."""

    architecture: Architecture
    params: int
    macs: int
    changes: int


@dataclass(frozen=True)
class Matches:
    """The simplest matches, how many there are in all, and out of how many readings."""

    best: tuple[Match, ...]
    found: int
    searched: int


def match(
    params: Figure | None = None, macs: Figure | None = None, depths: Sequence[int] = tuple(BLOCKS), top: int = 10
) -> Matches:
    """Return the architectures whose counts round to the given figures, simplest first, then nearest.

    Raises ValueError when neither figure is given. The image size is varied only where ``macs`` are asked for.
    """
    if params is None and macs is None:
        raise ValueError("expected --params, --macs, or both, such as --params 51.4M")
    found: list[tuple[int, float, Space, int, int]] = []
    total = searched = 0
    for depth in depths:
        for size in IMAGE_SIZES if macs is not None else IMAGE_SIZES[:1]:
            space = Space(depth, size)
            inside, off = _inside(space, params, macs)
            searched += inside.size
            total += int(inside.sum())
            changes = space.changes()[inside]
            places = np.argwhere(inside)
            order = np.lexsort((off[inside], changes))[:top]
            for i in order:
                network, body = places[i]
                found.append((int(changes[i]), float(off[inside][i]), space, int(network), int(body)))
    found.sort(key=lambda each: each[:2])
    return Matches(tuple(_match(space, i, j, changes) for changes, _, space, i, j in found[:top]), total, searched)


def _inside(space: Space, params: Figure | None, macs: Figure | None) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which readings are within the figures, and how far off each is, as a share of the rounding."""
    inside = np.ones(space.shape, bool)
    off = np.zeros(space.shape)
    for cost, figure in (("params", params), ("macs", macs)):
        if figure is None:
            continue
        rows = np.flatnonzero(inside.any(axis=1))  # the others are out already
        counts = space.costs(cost, rows)
        low, high = float(figure.low), float(figure.high)
        inside[rows] &= (counts >= low) & (counts <= high)
        off[rows] = np.maximum(off[rows], np.abs(counts - (low + high) / 2) / (high - low))
    return inside, off


def _match(space: Space, network: int, body: int, changes: int) -> Match:
    architecture = space.architecture(network, body)
    ledger = count(architecture)
    return Match(architecture, ledger.params, ledger.macs, changes)
