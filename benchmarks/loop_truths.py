"""Truths for searches to learn: simulated accuracies over the space ``stages``, and a table of real trainings.

A training is a look at a truth, with the noise of a run. Costs are MACs.
"""

import sys
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from benchmarks import trained_space
from lambda_arch.arch import ResNet
from lambda_arch.searching.features import features, pair_features
from lambda_arch.searching.learning import after
from lambda_arch.searching.metrics import METRICS
from lambda_arch.searching.optimization import make_problem, non_dominated
from lambda_arch.searching.posterior import published_prior
from lambda_arch.searching.search_space import Product, Space
from lambda_arch.searching.space_file import read_space

SIMULATED = {
    "additive": {"factor": 0.7, "noise": 0.2},
    "interactions": {"factor": 0.7, "noise": 0.2, "interaction": 1.5},
    "heavy noise": {"factor": 0.7, "noise": 1.0},
    "contradicts the prior": {"factor": -0.7, "noise": 0.2},
}
TRAINED = "real trainings"
TRUTHS = (*SIMULATED, TRAINED)


class Truth(ABC):
    """Accuracies of the architectures of a space of one product."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        (product,) = space.products
        assert isinstance(product, Product)
        self.product = product
        self.sizes = [slot.size for slot in product.slots]
        self.problem = make_problem(space, [METRICS["macs"], METRICS["top1"]], (), after([], "nothing"))
        self.random = np.random.default_rng(seed + 1000)
        self.trained: dict[ResNet, float] = {}

    def architecture(self, options: Sequence[int] | np.ndarray) -> ResNet:
        """Return the architecture of an option a stage."""
        return self.product.architecture([int(each) for each in options])  # type: ignore[return-value]

    def macs(self, architecture: ResNet) -> float:
        """Return the multiply-accumulates."""
        return float(self.problem.of(architecture)[0])

    def train(self, architecture: ResNet) -> float:
        """Return the accuracy of a run; a network that was trained before is not trained again."""
        if architecture not in self.trained:
            self.trained[architecture] = self.run(architecture)
        return self.trained[architecture]

    @abstractmethod
    def run(self, architecture: ResNet) -> float:
        """Return the accuracy of a new run."""

    @abstractmethod
    def mean(self, architecture: ResNet) -> float:
        """Return the true mean accuracy."""

    @abstractmethod
    def front(self) -> np.ndarray:
        """Return the true front: (log MACs, minus top-1)."""

    @abstractmethod
    def reference(self) -> np.ndarray:
        """Return the reference point of hypervolumes."""


class Trained(Truth):
    """The table of real trainings: a training is a run of a random seed, the truth the mean of all seeds."""

    def __init__(self, seed: int) -> None:
        super().__init__(trained_space.space(), seed)
        self.runs: dict[str, list[float]] = defaultdict(list)
        for row in trained_space.read_table():
            self.runs[row["architecture"]].append(float(row[trained_space.EPOCHS[-1]]))
        networks = [self.architecture(options) for options in np.ndindex(*self.sizes)]
        if missing := sum(str(each) not in self.runs for each in networks):
            sys.exit(f"{trained_space.TABLE}: lacks {missing} networks; benchmarks.trained_space trains them")
        self.points = np.array([[np.log(self.macs(each)), -self.mean(each)] for each in networks])

    def run(self, architecture: ResNet) -> float:
        return float(self.random.choice(self.runs[str(architecture)]))

    def mean(self, architecture: ResNet) -> float:
        return float(np.mean(self.runs[str(architecture)]))

    def front(self) -> np.ndarray:
        return np.asarray(self.points[non_dominated(self.points)])

    def reference(self) -> np.ndarray:
        """Return the worst of the space."""
        return np.asarray(self.points.max(axis=0))


class Simulated(Truth):
    """A simulated truth, whose weights are ``factor`` times the published ones and something of their own."""

    def __init__(self, factor: float, noise: float, interaction: float = 0.0, *, seed: int) -> None:
        super().__init__(read_space("stages"), seed)
        prior = published_prior()
        # not the published weights themselves: those of another data set
        self.weights = factor * prior.mean + 0.15 * np.random.default_rng(seed).standard_normal(len(prior.mean))
        self.noise, self.interaction = noise, interaction

    def run(self, architecture: ResNet) -> float:
        return self.mean(architecture) + self.noise * float(self.random.standard_normal())

    def mean(self, architecture: ResNet) -> float:
        own = (
            80
            + self.weights @ features(architecture)
            + self.interaction * float(pair_features(architecture) @ [1, -1, 1])
        )
        return float(own)

    def reference(self) -> np.ndarray:
        """Return a tenth of the front's range beyond its worst."""
        front = self.front()
        low, high = front.min(axis=0), front.max(axis=0)
        return np.asarray(high + 0.1 * (high - low))

    def front(self) -> np.ndarray:
        """Return the true front, merged stage by stage for each pattern of convolutions and lambda layers."""
        tables = (
            self.problem.fixed(self.product)[0],
            [self.problem.slot(self.product, s)[:, 0] for s in self.product.slots],
        )
        base = [0] * len(self.sizes)
        zero = self.architecture(base)
        gains, shares = [], []
        for i, size in enumerate(self.sizes):
            of_slot = []
            for option in range(size):
                chosen = base.copy()
                chosen[i] = option
                of_slot.append(self.weights @ (features(self.architecture(chosen)) - features(zero)))
            gains.append(np.array(of_slot))
            column = self.product.slots[i].columns[0]
            shares.append(np.array([hasattr(column.blocks[j].layer, "k") for j in column.index], float))
        best: list[np.ndarray] = []
        for letters in np.ndindex(*(2,) * len(self.sizes)):
            macs, top1 = np.array([tables[0]]), np.array([80 + self.weights @ features(zero)])
            pairs = np.array([a * b for a, b in pairwise(letters)], float)
            top1 = top1 + self.interaction * float(pairs @ [1, -1, 1])
            for i, letter in enumerate(letters):
                own = np.flatnonzero(shares[i] == letter)
                macs = (macs[:, None] + tables[1][i][None, own]).ravel()
                top1 = (top1[:, None] + gains[i][None, own]).ravel()
                kept = non_dominated(np.column_stack([macs, np.round(-top1, 9)]))
                macs, top1 = macs[kept], top1[kept]
            best.append(np.column_stack([np.log(macs), -top1]))
        points = np.concatenate(best)
        return points[non_dominated(points)]


def make_truth(name: str, seed: int) -> Truth:
    """Return the truth of a name."""
    return Trained(seed) if name == TRAINED else Simulated(**SIMULATED[name], seed=seed)
