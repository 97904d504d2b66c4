"""How often the intervals of an accuracy model hold runs that were left out."""

from dataclasses import dataclass

import numpy as np

from lambda_arch.results import Result
from lambda_arch.searching.interactions import Additivity, additivity
from lambda_arch.searching.posterior import Posterior
from lambda_arch.searching.training_runs import Run

LEVELS = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class LeftOut:
    """A run that was left out, its predicted top-1, and the lower and upper ends of its intervals by level."""

    run: Run
    top1: float
    intervals: dict[float, tuple[float, float]]

    def is_inside(self, level: float) -> bool:
        """Return whether the interval of a level holds the run."""
        low, high = self.intervals[level]
        return low <= self.run.top1 <= high


@dataclass(frozen=True)
class Coverage(Result):
    """What intervals hold: of the runs of each architecture, predicted from those of all others.

    ``additivity``: the test for interactions between neighbouring stages, on the same runs. ``pairs``: whether the
    model has them.
    """

    source: str
    left_out: tuple[LeftOut, ...]
    noise: dict[str, float]
    additivity: Additivity
    pairs: bool

    def share(self, level: float) -> float:
        """Return the share of runs in the intervals of a level; not a number without runs."""
        inside = [each.is_inside(level) for each in self.left_out]
        return float(np.mean(inside)) if inside else float("nan")

    def width(self, level: float) -> float:
        """Return the mean width of the intervals of a level, in points."""
        widths = [high - low for low, high in (each.intervals[level] for each in self.left_out)]
        return float(np.mean(widths)) if widths else float("nan")

    @property
    def rmse(self) -> float:
        """The root mean square of the errors, in points."""
        errors = [each.run.top1 - each.top1 for each in self.left_out]
        return float(np.mean(np.square(errors)) ** 0.5) if errors else float("nan")


def coverage(model: Posterior) -> Coverage:
    """Return the coverage of a model's intervals, each run predicted without those of its architecture."""
    found = []
    for architecture in dict.fromkeys(run.architecture for run in model.runs):
        others = model.without(architecture)
        for run in (run for run in model.runs if run.architecture == architecture):
            intervals = {level: others.interval(architecture, level, run.recipe) for level in LEVELS}
            found.append(LeftOut(run, others.mean(architecture, run.recipe), intervals))
    return Coverage(model.source, tuple(found), model.noise_sd, additivity(model.runs), model.has_pairs)
