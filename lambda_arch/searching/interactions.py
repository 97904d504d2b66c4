"""A test of additivity: do interactions of neighbouring stages explain more of the runs than noise would?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lambda_arch.searching.features import PAIRS
from lambda_arch.searching.linear_model import model_row
from lambda_arch.searching.training_runs import Run

SIGNIFICANCE = 0.01


@dataclass(frozen=True)
class Additivity:
    """An F test of the additive model against one with interactions of neighbouring stages.

    ``p``: the probability of an ``f`` as large if accuracies are additive, with ``pairs`` and ``spare`` degrees of
    freedom; None where the runs cannot tell.
    """

    runs: int
    pairs: int
    spare: int
    f: float | None
    p: float | None

    @property
    def is_refuted(self) -> bool:
        """Whether the runs refute additivity."""
        return self.p is not None and self.p < SIGNIFICANCE

    def __str__(self) -> str:
        if self.p is None:
            return f"additivity cannot be tested: {self.runs} runs do not determine interactions of neighbouring stages"
        test = f"F({self.pairs}, {self.spare}) = {self.f:.2f}, p = {self.p:.2g}, {self.runs} runs"
        if self.is_refuted:
            return f"additivity is refuted ({test}): neighbouring stages interact"
        return f"additivity is not refuted ({test})"


def additivity(runs: Sequence[Run]) -> Additivity:
    """Return the test on ``runs``, each recipe with an intercept of its own, by least squares."""
    from scipy.special import fdtrc

    recipes = tuple(dict.fromkeys(run.recipe for run in runs))
    nothing = Additivity(len(runs), len(PAIRS), 0, None, None)
    if not runs:
        return nothing
    rows = np.array([model_row(run.architecture, run.recipe, recipes, pairs=True) for run in runs])
    top1 = np.array([run.top1 for run in runs])
    few, many = _squares(rows[:, : -len(PAIRS)], top1), _squares(rows, top1)
    pairs, spare = many[1] - few[1], len(runs) - many[1]
    if not pairs or spare < 2 or many[0] < 1e-12 * max(few[0], 1e-300):
        return nothing
    f = ((few[0] - many[0]) / pairs) / (many[0] / spare)
    return Additivity(len(runs), pairs, spare, float(f), float(fdtrc(pairs, spare, f)))


def _squares(rows: np.ndarray, values: np.ndarray) -> tuple[float, int]:
    """Return the squares that are left after least squares, and the number of weights that the rows determine."""
    weights, _, rank, _ = np.linalg.lstsq(rows, values, rcond=1e-9)
    return float(np.sum((values - rows @ weights) ** 2)), int(rank)
