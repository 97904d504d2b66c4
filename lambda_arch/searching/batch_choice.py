"""Which architectures to train together: those that cover most of the hypervolume of fronts that may be the true one.

In each draw, the architectures trained and chosen so far cover a part of the hypervolume of the draw's front. Greedily,
the candidate is chosen that adds most to this share, in the mean over the draws. The mean of shares is a monotone
submodular function of the batch, so the greedy batch reaches at least 1 - 1/e of the best one's gain (Nemhauser, Wolsey
and Fisher 1978). Hypervolume is measured in the box of the fronts, costs on a logarithmic scale, by Sobol points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambda_arch.searching.arrays import Floats, Mask
from lambda_arch.searching.drawn_fronts import DrawnFronts

POINTS = 2048
"""Sobol points in the box of the fronts."""
MARGIN = 0.1
"""By how much the box exceeds the fronts, as a share of their range."""

Bits = NDArray[np.uint8]
BITS_OF_BYTE = np.array([byte.bit_count() for byte in range(256)], np.int16)


@dataclass(frozen=True)
class Batch:
    """Candidates in the order in which they were chosen, and the ``gain`` of each in the expected share.

    ``before``: the share that the trained architectures cover, in the mean over the draws.
    """

    chosen: tuple[int, ...]
    gains: tuple[float, ...]
    before: float

    @property
    def after(self) -> float:
        """The expected share of the front's hypervolume that is covered with the batch."""
        return self.before + sum(self.gains)


@dataclass(frozen=True)
class Cover:
    """Which points of the box each candidate covers, in each draw: draws x candidates x bits."""

    candidates: Bits
    trained: Bits
    whole: Floats

    @classmethod
    def of(cls, drawn: DrawnFronts) -> "Cover":
        """Return the cover of candidates and trained architectures."""
        problem, width = drawn.problem, len(drawn.problem.objectives)
        fronts = [front.points for front in drawn.fronts]
        everywhere = np.concatenate(fronts)
        is_cost = np.asarray((everywhere > 0).all(axis=0))
        unit = _points(width)
        low, high = everywhere.min(axis=0), everywhere.max(axis=0)
        found: tuple[list[Bits], list[Bits]] = ([], [])
        whole = []
        for i, points in enumerate(fronts):
            # a draw's accuracies have a level of their own, which does not matter
            of_draw = points if len(points) else everywhere
            below = np.where(is_cost, low, of_draw.min(axis=0))
            above = np.where(is_cost, high, of_draw.max(axis=0))
            box = _box(unit, below, above, is_cost)
            masks = [
                _covered(box, totals[i], width, problem.allowed(totals[i]))
                for totals in (drawn.totals, drawn.trained_totals)
            ]
            own = [np.packbits(mask, axis=1) for mask in masks]
            found[0].append(own[0])
            found[1].append(np.packbits(masks[1].any(axis=0)))
            whole.append((masks[0].any(axis=0) | masks[1].any(axis=0)).sum())
        return cls(np.array(found[0]), np.array(found[1]), np.maximum(np.array(whole, float), 1.0))

    def of_draws(self, draws: slice) -> "Cover":
        """Return the cover in some of the draws."""
        return Cover(self.candidates[draws], self.trained[draws], self.whole[draws])

    def choose(self, count: int) -> Batch:
        """Return the best batch of ``count`` candidates, or of all if there are fewer."""
        covered = self.trained.copy()
        left = np.ones(self.candidates.shape[1], np.bool_)
        before = float((_bits(covered) / self.whole).mean())
        chosen: list[int] = []
        gains: list[float] = []
        while len(chosen) < count and left.any():
            gain = (_bits(self.candidates & ~covered[:, None, :]) / self.whole[:, None]).mean(axis=0)
            best = int(np.where(left, gain, -1.0).argmax())
            covered |= self.candidates[:, best]
            left[best] = False
            chosen.append(best)
            gains.append(float(gain[best]))
        return Batch(tuple(chosen), tuple(gains), before)

    def share(self, chosen: list[int]) -> float:
        """Return the expected share of hypervolume that ``chosen`` and the trained architectures cover."""
        covered = self.trained | np.bitwise_or.reduce(self.candidates[:, chosen], axis=1)
        return float((_bits(covered) / self.whole).mean())


def _bits(packed: Bits) -> Floats:
    return np.asarray(BITS_OF_BYTE[packed].sum(axis=-1), float)


def _points(width: int) -> Floats:
    """Return points of the unit cube, the same in every call."""
    from scipy.stats.qmc import Sobol

    return np.asarray(Sobol(width, scramble=True, seed=0).random(POINTS))


def _box(unit: Floats, low: Floats, high: Floats, is_cost: Mask) -> Floats:
    """Return points between ``low`` and beyond ``high``; costs on a logarithmic scale."""
    scale = np.where(is_cost, np.log(np.where(is_cost, high, 1.0) / np.where(is_cost, low, 1.0)), high - low)
    scale = np.maximum(scale, 1e-9) * (1 + MARGIN)
    return np.where(
        is_cost, np.where(is_cost, low, 0.0) * np.exp(np.where(is_cost, unit * scale, 0.0)), low + unit * scale
    )


def _covered(box: Floats, totals: Floats, width: int, allowed: Mask) -> Mask:
    """Return which points each architecture dominates: architectures x points."""
    found = np.repeat(allowed[:, None], len(box), axis=1)
    for column in range(width):
        found &= totals[:, column, None] <= box[None, :, column]
    return found
