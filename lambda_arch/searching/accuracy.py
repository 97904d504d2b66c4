"""Predicted top-1 accuracy: a linear model of :mod:`~lambda_arch.searching.features`, additive over blocks.

The model is fitted on training runs by least squares, with one intercept per recipe. A prediction comes with an
interval, the model's leave-one-out error, and whether it extrapolates beyond the runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from lambda_arch.arch import Architecture, ResNet
from lambda_arch.errors import DataError
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.features import FEATURES
from lambda_arch.searching.linear_model import LinearModel, Prediction, Predictor, model_row
from lambda_arch.searching.training_runs import Run, published_runs, read_runs, stored_runs
from lambda_arch.store.connection import Store

LEVEL = 0.95
SPARE = 3
"""Runs that a model needs beyond the number of its coefficients."""


@dataclass(frozen=True)
class AccuracyModel(Predictor):
    """A model fitted by least squares: see :func:`fit`."""

    def predict(self, architecture: Architecture) -> Prediction:
        """Return the prediction for an architecture; raises :class:`ArchitectureError` unless it is a ResNet."""
        row = self.row(architecture)
        assert isinstance(architecture, ResNet)
        outside, leverage = self._leverage(row)
        interval = self._quantile * self.residual_sd * (1 + leverage) ** 0.5
        return Prediction(self.mean(architecture), interval, tuple(self._reasons(architecture, leverage, outside)))

    @cached_property
    def design(self) -> Floats:
        """The features of the runs, one row per run."""
        return np.array([model_row(run.architecture, run.recipe, self.recipes) for run in self.runs])

    @cached_property
    def residuals(self) -> Floats:
        """Printed minus fitted top-1 of the runs."""
        return np.array([run.top1 for run in self.runs]) - self.design @ self.weights

    @cached_property
    def residual_sd(self) -> float:
        """The standard deviation of the residuals, with the remaining degrees of freedom."""
        return float((self.residuals @ self.residuals / (len(self.runs) - self.rank)) ** 0.5)

    @cached_property
    def rank(self) -> int:
        """The number of coefficients that the runs determine."""
        return int(self._axes.shape[0])

    @cached_property
    def leverages(self) -> Floats:
        """The leverage of each run: 1 for a run that the other runs cannot predict."""
        return np.array([self._leverage(row)[1] for row in self.design])

    @cached_property
    def left_out_errors(self) -> Floats:
        """Leave-one-out errors: of each run that can be predicted from all others."""
        others = self.leverages < 1 - 1e-9
        return self.residuals[others] / (1 - self.leverages[others])

    @property
    def left_out_rmse(self) -> float:
        """The leave-one-out RMSE: root mean square of :attr:`left_out_errors`, in points."""
        return float(np.mean(self.left_out_errors**2) ** 0.5)

    def describe(self) -> str:
        """Return a line that says how top1 is predicted, and with what error."""
        predicted = len(self.left_out_errors)
        alone = len(self.runs) - predicted
        rest = f"; the other {alone} cannot be predicted from the rest" if alone else ""
        return (
            f"top1 is predicted, not measured: additive over blocks, fitted on {len(self.runs)} runs ({self.source}); "
            f"leave-one-out RMSE {self.left_out_rmse:.2f} points over {predicted} runs{rest}"
        )

    @cached_property
    def _axes(self) -> Floats:
        """The directions that the runs determine, scaled so that a row's squared norm along them is its leverage."""
        _, scales, axes = np.linalg.svd(self.design, full_matrices=False)
        kept = scales > 1e-8 * scales[0]
        return np.asarray(axes[kept] / scales[kept, None])

    def _leverage(self, row: Floats) -> tuple[bool, float]:
        """Return whether a row has a component outside the span of the runs, and its leverage."""
        along = self._axes / np.linalg.norm(self._axes, axis=1, keepdims=True)
        rest = row - along.T @ (along @ row)
        return bool(np.abs(rest).max() > 1e-6), float(np.sum((self._axes @ row) ** 2))

    @cached_property
    def _quantile(self) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(len(self.runs) - self.rank, 0.5 + LEVEL / 2))

    def _reasons(self, architecture: ResNet, leverage: float, outside: bool) -> list[str]:
        far = outside or leverage > self._most_leverage
        return self.outside(architecture) or (["a combination far from all runs"] if far else [])

    @cached_property
    def _most_leverage(self) -> float:
        return float(self.leverages[self.leverages < 1 - 1e-9].max())


def fit(runs: Sequence[Run], source: str) -> AccuracyModel:
    """Fit a model on ``runs`` by least squares; ``source`` says in a few words where they come from.

    Raises :class:`DataError` for runs that are too few or too alike.
    """
    recipes = tuple(dict.fromkeys(run.recipe for run in runs))
    top1 = np.array([run.top1 for run in runs])
    if len(runs) < SPARE + 1:
        raise DataError(
            f"{source}: {len(runs)} runs are too few to fit an accuracy model; expected at least {SPARE + 1}, and one "
            "more for each setting that differs between them"
        )
    if np.ptp(top1) == 0:
        raise DataError(f"{source}: every top1 is {top1[0]:g}; expected runs of different accuracy")
    design = np.array([model_row(run.architecture, run.recipe, recipes) for run in runs])
    rank = int(np.linalg.matrix_rank(design))
    varied = [name for name, column in zip(FEATURES, design[:, len(recipes) :].T, strict=True) if np.ptp(column) > 0]
    if not varied:
        raise DataError(f"{source}: every run has the same settings; expected runs of different architectures")
    if len(runs) < rank + SPARE:
        raise DataError(
            f"{source}: {len(runs)} runs are too few for what differs between them ({', '.join(varied)}); "
            f"expected at least {rank + SPARE}"
        )
    weights = np.linalg.lstsq(design, top1, rcond=None)[0]
    return AccuracyModel(tuple(runs), recipes, weights, source)


@cache
def published_model() -> AccuracyModel:
    """Return the model fitted on the paper's accuracies."""
    return fit(published_runs(), "the paper's ablations, c4 study and Figure 3")


def model_of(
    given: LinearModel | Path | str | None, *, with_published: bool = False, store: Path | str | None = None
) -> LinearModel:
    """Return a model that is given, or one of the published runs (None, ``published``), or of a user's runs.

    Those are in a CSV, or in the ``store`` (``store``, or ``store:DATA`` for those on one data set),
    or finished trials of an Optuna study (``study:URL``).
    ``with_published``: of both. Raises :class:`DataError` for a file that is wrong or has too few runs, and OSError.
    """
    if isinstance(given, LinearModel):
        return given
    if given is None or given == "published":
        return published_model()
    kind, _, data = str(given).partition(":")
    if kind == "store":
        with Store(store, create=False) as opened:
            runs, name = stored_runs(opened, data)
        source = f"trained here on {name}"
    elif kind == "study":
        from lambda_arch.searching.studies import finished_runs

        runs, source = finished_runs(data)[0], f"trials of {data}"
    else:
        runs, source = read_runs(Path(given)), Path(given).name
    return fit([*runs, *published_runs()], f"{source} and the paper's") if with_published else fit(runs, source)
