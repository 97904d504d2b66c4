"""What all accuracy models are: linear in :mod:`~lambda_arch.searching.features`, with one intercept per recipe."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lambda_arch.arch import Architecture, Block, ResNet
from lambda_arch.errors import ArchitectureError
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.features import (
    BLOCK,
    FEATURES,
    NETWORK,
    block_features,
    features,
    network_features,
    pair_features,
    ranges,
    varied_settings,
)
from lambda_arch.searching.training_runs import ABLATION, FIGURE_3, OWN, Run, is_modelled


@dataclass(frozen=True)
class Prediction:
    """A predicted top-1 in percent, half the width of its 95 % interval, and why it extrapolates, if it does."""

    top1: float
    interval: float
    extrapolated: tuple[str, ...]


@dataclass(frozen=True)
class LinearModel:
    """Weights for features of networks: one intercept per recipe, one weight per feature, and those of any pairs.

    ``runs``: what the weights are learned from; ``source`` says in a few words where they come from.
    """

    runs: tuple[Run, ...]
    recipes: tuple[str, ...]
    weights: Floats
    source: str

    @property
    def digest(self) -> str:
        """A digest of the weights: equal for equal predictions."""
        fields = [*self.recipes, *(f"{weight:.9g}" for weight in self.weights)]
        return hashlib.sha256("\n".join(fields).encode()).hexdigest()[:16]

    def recipe(self, stem: str) -> str:
        """Return the recipe that predictions are for: the user's, or the paper's for networks with this stem."""
        if OWN in self.recipes:
            return OWN
        return ABLATION if stem == "7x7" else FIGURE_3

    def constant(self, depth: int, image_size: int, stem: str) -> float:
        """Return the part of a prediction that does not depend on the blocks."""
        offset = self.weights[self.recipes.index(self.recipe(stem))]
        own = self.weights[len(self.recipes) :][: len(NETWORK)]
        return float(offset + own @ network_features(depth, image_size))

    @property
    def block_weights(self) -> Floats:
        """The weights of the features of blocks."""
        return self.weights[len(self.recipes) + len(NETWORK) :][: len(BLOCK)]

    @property
    def pair_weights(self) -> Floats:
        """The weights of the interactions of neighbouring stages; none in an additive model."""
        return self.weights[len(self.recipes) + len(FEATURES) :]

    def block(self, block: Block, stage: int, depth: int) -> float:
        """Return the contribution of a block to a prediction."""
        return float(self.block_weights @ block_features(block, stage, depth))

    def row(self, architecture: Architecture, recipe: str = "") -> Floats:
        """Return what the weights multiply, for a ``recipe`` or that of predictions.

        Raises :class:`ArchitectureError` unless it is a ResNet.
        """
        if not isinstance(architecture, ResNet):
            raise ArchitectureError(f"{architecture}: expected a ResNet, whose accuracy can be predicted")
        name = recipe or self.recipe(architecture.stem)
        return model_row(architecture, name, self.recipes, pairs=len(self.pair_weights) > 0)

    def mean(self, architecture: Architecture, recipe: str = "") -> float:
        """Return the predicted top-1, in percent; raises :class:`ArchitectureError` unless it is a ResNet."""
        return float(self.row(architecture, recipe) @ self.weights)


class Predictor(LinearModel, ABC):
    """A linear model that knows the error of its predictions."""

    @abstractmethod
    def predict(self, architecture: Architecture) -> Prediction:
        """Return the prediction for an architecture; raises :class:`ArchitectureError` unless it is a ResNet."""

    @abstractmethod
    def describe(self) -> str:
        """Return a line that says how top1 is predicted, and with what error."""

    @property
    @abstractmethod
    def left_out_rmse(self) -> float:
        """The leave-one-out RMSE, in points."""

    @cached_property
    def _ranges(self) -> Mapping[bool, dict[str, tuple[float, float]]]:
        """The ranges of settings among the runs, separately for the 7x7 stem (True) and other stems."""
        return {
            plain: ranges(run.architecture for run in self.runs if (run.architecture.stem == "7x7") == plain)
            for plain in (True, False)
        }

    def outside(self, architecture: ResNet) -> list[str]:
        """Return the settings of an architecture that lie outside their range among the runs."""
        known = self._ranges[architecture.stem == "7x7"]
        found = []
        for name, values in varied_settings(architecture).items():
            low, high = known.get(name, (np.inf, -np.inf))
            found += [f"{name}={_plain(value)}" for value in sorted(values) if not low <= value <= high]
        if not is_modelled(architecture):
            found.append("a setting that the model does not know")
        return found


def model_row(architecture: ResNet, recipe: str, recipes: Sequence[str], pairs: bool = False) -> Floats:
    """Return the features of an architecture, after one column per recipe; ``pairs``: and those of pairs of stages."""
    intercepts = np.array([float(recipe == name) for name in recipes])
    found = (intercepts, features(architecture))
    return np.concatenate((*found, pair_features(architecture)) if pairs else found)


def _plain(value: float) -> str:
    return "global" if value == float("inf") else f"{value:g}"
