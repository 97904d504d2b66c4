"""Which short trainings stop early: successive halving (Li et al. 2018; Schmucker et al. 2021 for several objectives).

A run pauses at rungs, a quarter and a half of its epochs. It goes on unless half or more of all runs that reached the
rung, whenever they were trained, are in better layers: the first layer is the front of costs and accuracy at the rung,
the second the front of the rest, and so on. A paused run goes on later if the rule allows it then. A rung where
accuracies do not foretell those at the end (see :func:`foretells`) stops nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lambda_arch.searching.arrays import Floats, Rows
from lambda_arch.searching.optimization import non_dominated

SHARES = (0.25, 0.5)
"""Rungs, as shares of the epochs."""
ENOUGH, FORETELLS = 4, 0.5
"""Finished runs, and their rank correlation between a rung and the end, from which the rung stops runs."""


def rungs(epochs: int) -> list[int]:
    """Return the epochs after which runs pause; none for fewer than three epochs."""
    found = sorted({round(share * epochs) for share in SHARES})
    return [epoch for epoch in found if 0 < epoch < epochs] if epochs > 2 else []


def layers(points: Floats) -> Rows:
    """Return the layer of each row (all columns minimised), from 0."""
    found = np.full(len(points), -1, np.intp)
    left, number = np.arange(len(points)), 0
    while len(left):
        front = left[np.isin(points[left], points[left][non_dominated(points[left])]).all(axis=1)]
        front = front if len(front) else left
        found[front] = number
        left, number = np.setdiff1d(left, front), number + 1
    return found


def goes_on(points: Floats, own: int) -> bool:
    """Return whether the run ``own`` goes on from a rung that the runs of ``points`` reached."""
    found = layers(points)
    return bool((found < found[own]).mean() < 0.5)


def foretells(histories: Sequence[Sequence[float]], epoch: int) -> bool:
    """Return whether the accuracies after an epoch rank finished runs much as the last ones do."""
    if len(histories) < ENOUGH:
        return False
    found = rank_correlation([(history[epoch - 1], history[-1]) for history in histories])
    return found is not None and found >= FORETELLS


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Spearman's rank correlation of at least three pairs; None for fewer, or where one side does not vary."""
    values = np.array(pairs)
    if len(pairs) < 3 or not bool((values.max(axis=0) > values.min(axis=0)).all()):
        return None
    first, last = values.argsort(axis=0).argsort(axis=0).T
    return float(np.corrcoef(first, last)[0, 1])


@dataclass(frozen=True)
class Saved:
    """What stopping early saved: runs that are paused, of all, and epochs; and how well rungs foretell the end.

    ``correlation``: the rank correlation of the accuracies at the first rung and at the end, of the finished runs; None
    for fewer than three.
    """

    paused: int
    runs: int
    epochs: int
    of_epochs: int
    correlation: float | None

    def __str__(self) -> str:
        if not self.runs:
            return "nothing was trained"
        foretells = (
            ""
            if self.correlation is None
            else (f"; accuracy at the first rung and at the end have a rank correlation of {self.correlation:.2f}")
        )
        return (
            f"successive halving stopped {self.paused} of {self.runs} runs early and saved {self.epochs} of "
            f"{self.of_epochs} epochs{foretells}"
        )


def saved(histories: Sequence[Sequence[float]], epochs: int) -> Saved:
    """Return what was saved: ``histories`` has the accuracies by epoch of each run of a schedule of ``epochs``."""
    steps = rungs(epochs)
    whole = [history for history in histories if len(history) == epochs and steps]
    correlation = rank_correlation([(history[steps[0] - 1], history[-1]) for history in whole])
    left = [epochs - len(history) for history in histories]
    return Saved(sum(each > 0 for each in left), len(histories), sum(left), epochs * len(histories), correlation)
