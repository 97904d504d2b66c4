"""The inverse question: which architectures have this printed number?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_arch.arch import BLOCKS, Architecture, read_setting
from lambda_arch.comparing.figure import Figure, read_figure
from lambda_arch.comparing.grid import CLASSES, IMAGE_SIZES, Grid
from lambda_arch.costs import count
from lambda_arch.errors import LambdaArchError
from lambda_arch.results import Result


@dataclass(frozen=True)
class Match:
    """An architecture whose counts round to the given figures; ``changes`` says how many settings are not defaults."""

    architecture: Architecture
    params: int
    macs: int
    changes: int


@dataclass(frozen=True)
class Matches(Result):
    """The simplest matches, how many there are in all, and how many architectures were searched.

    ``by_macs``: whether a figure of multiply-accumulates was given.
    """

    best: tuple[Match, ...]
    found: int
    searched: int
    by_macs: bool = False


def match(
    params: str | float | None = None,
    macs: str | float | None = None,
    depth: int | None = None,
    top: int = 10,
    classes: Iterable[int | str] | None = None,
) -> Matches:
    """Return the ``top`` architectures whose counts round to the given figures, simplest first, then nearest.

    Those of 1000 classes, of which most figures are, come before those of 10 or 100. ``params`` and ``macs`` are
    figures as printed, such as ``51.4M``; ``depth`` limits the search to one depth, and ``classes`` to other numbers of
    classes. The image size varies only if ``macs`` is given. Raises :class:`LambdaArchError` if neither figure is
    given, for an invalid figure or number of classes, and for an unknown depth.
    """
    if params is None and macs is None:
        raise LambdaArchError("match: expected params, macs, or both, such as params=51.4M")
    if depth is not None and depth not in BLOCKS:
        raise LambdaArchError(f"depth={depth}: expected one of {', '.join(map(str, BLOCKS))}")
    if top < 1:
        raise LambdaArchError(f"top={top}: expected a whole number from 1")
    numbers = CLASSES if classes is None else tuple(int(str(read_setting("classes", each).value)) for each in classes)
    printed = {"params": params, "macs": macs}
    figures = {cost: read_figure(cost, text) for cost, text in printed.items() if text is not None}
    found: list[tuple[bool, int, float, Grid, int, int]] = []
    total = searched = 0
    for each in BLOCKS if depth is None else (depth,):
        for size in IMAGE_SIZES if macs is not None else IMAGE_SIZES[:1]:
            grid = Grid(each, size, numbers)
            inside, off = _inside(grid, figures)
            searched += inside.size
            total += int(inside.sum())
            changes = grid.changes()[inside]
            places = np.argwhere(inside)
            other = np.array(["classes=" in body for body in grid.bodies])[places[:, 1]]
            order = np.lexsort((off[inside], changes, other))[:top]
            for i in order:
                network, body = places[i]
                key = (bool(other[i]), int(changes[i]), float(off[inside][i]))
                found.append((*key, grid, int(network), int(body)))
    found.sort(key=lambda each: each[:3])
    best = tuple(_match(grid, i, j, changes) for _, changes, _, grid, i, j in found[:top])
    return Matches(best, total, searched, macs is not None)


def _inside(grid: Grid, figures: Mapping[str, Figure]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which architectures match the figures, and how far off each is, as a share of the rounding interval."""
    inside = np.ones(grid.shape, bool)
    off = np.zeros(grid.shape)
    for cost, figure in figures.items():
        rows = np.flatnonzero(inside.any(axis=1))  # the others are excluded already
        counts = grid.costs(cost, rows)
        low, high = float(figure.low), float(figure.high)
        inside[rows] &= (counts >= low) & (counts <= high)
        off[rows] = np.maximum(off[rows], np.abs(counts - (low + high) / 2) / (high - low))
    return inside, off


def _match(grid: Grid, network: int, body: int, changes: int) -> Match:
    architecture = grid.architecture(network, body)
    ledger = count(architecture)
    return Match(architecture, ledger.params, ledger.macs, changes)
