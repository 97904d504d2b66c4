"""What is believed about accuracies after some runs: Bayesian linear regression on the accuracy model's features.

The mean of an architecture's runs is ``x b + d``: features times weights, and what the features do not explain. A run
is that plus noise. The weights have a normal prior: its mean is the published runs' weights times a factor, its
covariance theirs plus a spread. Factor, spread, noise and the size of ``d`` are not known: each combination of a grid
is a component, whose weight is its marginal likelihood (Rasmussen and Williams 2006, 2.7 and 5.4). So the published
runs count for as much as the user's runs agree with them, the noise follows from repeated seeds, and intervals are wide
while there is little evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product

import numpy as np

from lambda_arch.arch import Architecture, ResNet
from lambda_arch.searching.arrays import Floats, Rows
from lambda_arch.searching.features import FEATURES, PAIRS
from lambda_arch.searching.linear_model import LinearModel, Prediction, Predictor, model_row
from lambda_arch.searching.normal_mixture import quantiles
from lambda_arch.searching.training_runs import OWN, Run, published_runs

SPANS = (2, 2.5, 1, 1, 1, 1, 4, 3, 3, 0.33, 1, 1, 1)
"""By how much each feature varies over the published runs and spaces; spreads are in points over these."""
FACTORS = {-1.0: 0.05, -0.5: 0.05, 0.0: 0.1, 0.25: 0.15, 0.5: 0.2, 1.0: 0.35, 2.0: 0.1}
"""Of the published weights, with their prior probabilities; below 0 for data on which effects are opposite."""
SPREADS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Standard deviations of weights around those of the prior, in points over a feature's span."""
NOISES = tuple(0.02 * 2.0**i for i in range(9))
"""Standard deviations of a run around the mean of its architecture, in points."""
UNEXPLAINED = (0.0, 0.5, 1.0, 2.0)
"""Standard deviations of the mean around what the features explain, in multiples of the noise."""
LEVEL_MEAN, LEVEL_SD = 75.0, 30.0
"""The prior of a recipe's intercept, in percent, without runs."""
OPEN_LEVEL_SD = 1000.0
"""Its standard deviation with runs, which tell the level."""
SHRINKAGE = 4
"""Runs that the common noise counts for in the noise of each recipe."""
NEGLIGIBLE = 1e-3
"""Components of less than this share of the largest weight are dropped."""


@dataclass(frozen=True)
class Prior:
    """What is believed of the features' weights beforehand: a mean and a covariance, to be scaled by ``factors``."""

    mean: Floats
    covariance: Floats
    factors: dict[float, float]


@dataclass(frozen=True)
class Posterior(Predictor):
    """A mixture of normal distributions of the weights; ``weights`` is its mean.

    Of each component: its ``shares``, ``means`` (components x weights), ``covariances``, and the standard deviations
    ``noise`` and ``unexplained``. ``scales``: the noise of each recipe, relative to ``noise``. ``prior``: what was
    believed before.
    """

    shares: Floats
    means: Floats
    covariances: Floats
    noise: Floats
    unexplained: Floats
    scales: tuple[float, ...]
    prior: "Prior | None"

    def predict(self, architecture: Architecture) -> Prediction:
        """Return the prediction of a run of an architecture, with its 95 % interval."""
        low, high = self.interval(architecture, 0.95)
        assert isinstance(architecture, ResNet)
        reasons = () if self.trained else tuple(self.outside(architecture))  # own runs need not be like the paper's
        return Prediction(self.mean(architecture), (high - low) / 2, reasons)

    def interval(self, architecture: Architecture, level: float, recipe: str = "") -> tuple[float, float]:
        """Return an interval that holds the top-1 of a run of an architecture with a probability of ``level``.

        ``recipe``: the run's, by default that of predictions.
        """
        row = self.row(architecture, recipe)
        scale = self.scales[int(row[: len(self.recipes)].argmax())]
        variance = np.einsum("i,cij,j->c", row, self.covariances, row)
        deviation = np.sqrt(variance + self.unexplained**2 + (scale * self.noise) ** 2)
        low, high = quantiles(self.shares, self.means @ row, deviation, (0.5 - level / 2, 0.5 + level / 2))
        return low, high

    def without(self, architecture: ResNet) -> "Posterior":
        """Return what would be believed without the runs of an architecture."""
        others = [run for run in self.runs if run.architecture != architecture]
        return learn(others, self.source, self.prior, pairs=self.has_pairs, recipes=self.recipes)

    def draws(self, number: int, seed: int) -> "list[Draw]":
        """Return ``number`` draws of the weights; the same for the same seed."""
        random = np.random.default_rng(seed)
        found = []
        for component in random.choice(len(self.shares), number, p=self.shares):
            weights = random.multivariate_normal(self.means[component], self.covariances[component], method="eigh")
            luck = random.standard_normal(len(self.trained))
            found.append(self._draw(weights, component, luck))
        return found

    def _draw(self, weights: Floats, component: int, luck: Floats) -> "Draw":
        """Return a draw, with the means of the trained architectures given the weights and their runs."""
        means = {}
        for (architecture, runs), chance in zip(self.trained.items(), luck, strict=True):
            expected = float(self.row(architecture) @ weights)
            of_mean = float(self.unexplained[component] ** 2)
            of_runs = float((self.scales[self.recipes.index(OWN)] * self.noise[component]) ** 2) / len(runs)
            share = of_mean / (of_mean + of_runs)
            means[architecture] = expected + share * (np.mean(runs) - expected) + chance * (share * of_runs) ** 0.5
        return Draw(self.runs, self.recipes, weights, self.source, means)

    @property
    def has_pairs(self) -> bool:
        """Whether the model has interactions of neighbouring stages."""
        return len(self.pair_weights) > 0

    @property
    def knows_level(self) -> bool:
        """Whether there are runs, without which only differences of accuracies are predicted."""
        return bool(self.runs)

    @cached_property
    def trained(self) -> dict[ResNet, list[float]]:
        """The top-1 of the user's own runs, by architecture."""
        found: dict[ResNet, list[float]] = {}
        for run in self.runs:
            if run.recipe == OWN:
                found.setdefault(run.architecture, []).append(run.top1)
        return found

    @property
    def noise_sd(self) -> dict[str, float]:
        """The expected standard deviation of runs of one architecture, by recipe, in points."""
        expected = float(self.shares @ self.noise)
        return {name: scale * expected for name, scale in zip(self.recipes, self.scales, strict=True)}

    @cached_property
    def left_out_rmse(self) -> float:
        """The root mean square of the errors of runs whose architecture is left out, in points."""
        models = {each: self.without(each) for each in dict.fromkeys(run.architecture for run in self.runs)}
        errors = [run.top1 - models[run.architecture].mean(run.architecture, run.recipe) for run in self.runs]
        return float(np.mean(np.square(errors)) ** 0.5) if errors else float("nan")

    def describe(self) -> str:
        """Return a line that says how top1 is predicted, and with what error."""
        noise = self.noise_sd.get(OWN, self.shares @ self.noise)
        how = ", and interactions of neighbouring stages" if self.has_pairs else ""
        return (
            f"top1 is predicted, not measured: additive over blocks{how}, Bayesian, {self.source}; "
            f"noise of a run {noise:.2f} points"
        )


@dataclass(frozen=True)
class Draw(LinearModel):
    """One draw of a posterior: ``trained`` has the means of the architectures with runs."""

    trained: dict[ResNet, float]


def learn(
    runs: Sequence[Run], source: str, prior: Prior | None = None, *, pairs: bool = False, recipes: Sequence[str] = ()
) -> Posterior:
    """Return what is believed after ``runs``, which may be few or none; ``source`` says where they come from.

    ``prior``: of the features' weights, by default none in particular. ``pairs``: with interactions of neighbouring
    stages. ``recipes``: names of intercepts to have, besides those of the runs.
    """
    recipes = tuple(dict.fromkeys([*recipes, *(run.recipe for run in runs)]))
    groups: dict[tuple[ResNet, str], list[float]] = {}
    for run in runs:
        groups.setdefault((run.architecture, run.recipe), []).append(run.top1)
    width = len(recipes) + len(FEATURES) + (len(PAIRS) if pairs else 0)
    rows = np.array([model_row(*key, recipes, pairs) for key in groups]).reshape(-1, width)
    means = np.array([np.mean(values) for values in groups.values()])
    numbers = np.array([len(values) for values in groups.values()])
    within = np.array([np.sum((np.array(values) - np.mean(values)) ** 2) for values in groups.values()])
    recipe = np.array([recipes.index(name) for _, name in groups], np.intp)
    scales = _scales(rows, means, numbers, within, recipe, len(recipes))

    priors = [
        (chance / len(SPREADS), *_prior_of(prior, factor, spread, len(recipes), width, means))
        for (factor, chance), spread in product(_factors(prior).items(), SPREADS)
    ]
    noises = np.array([(noise, noise * share) for noise, share in product(NOISES, UNEXPLAINED)])
    own = (noises[:, :1] * scales[recipe]) ** 2  # variance of a run: noises x rows
    variance = own / numbers + noises[:, 1:] ** 2
    fixed = -0.5 * (np.log(variance).sum(1) + ((numbers - 1) * np.log(own)).sum(1) + (within / own).sum(1))
    gram = np.einsum("vn,ni,nj->vij", 1 / variance, rows, rows)
    found: list[tuple[float, Floats, Floats, float, float]] = []
    for chance, mean, covariance in priors:
        rest = means - rows @ mean
        precision = np.linalg.inv(covariance)
        posterior = np.linalg.inv(precision + gram)
        pull = np.einsum("vn,ni->vi", rest / variance, rows)
        shift = np.einsum("vij,vj->vi", posterior, pull)
        evidence = fixed - 0.5 * ((rest**2 / variance).sum(1) - np.einsum("vi,vi->v", pull, shift))
        evidence += 0.5 * (np.linalg.slogdet(posterior)[1] - np.linalg.slogdet(covariance)[1]) + np.log(chance)
        for i, (noise, unexplained) in enumerate(noises):
            found.append((float(evidence[i]), mean + shift[i], posterior[i], float(noise), float(unexplained)))
    evidences = np.array([each[0] for each in found])
    likely = np.flatnonzero(evidences > evidences.max() + np.log(NEGLIGIBLE))
    shares = np.exp(evidences[likely] - evidences.max())
    shares /= shares.sum()
    kept = [found[i] for i in likely]
    centres = np.array([each[1] for each in kept])
    return Posterior(
        tuple(runs), recipes, shares @ centres, source, shares, centres, np.array([each[2] for each in kept]),
        np.array([each[3] for each in kept]), np.array([each[4] for each in kept]), tuple(scales.tolist()), prior,
    )  # fmt: skip


@cache
def published_posterior() -> Posterior:
    """Return what is believed after the paper's runs alone."""
    return learn(published_runs(), "from the paper's ablations, c4 study and Figure 3")


@cache
def published_prior() -> Prior:
    """Return the paper's runs as a prior of the features' weights."""
    posterior = published_posterior()
    start = len(posterior.recipes)
    apart = posterior.means - posterior.weights
    covariance = np.einsum("c,cij->ij", posterior.shares, posterior.covariances + apart[:, :, None] * apart[:, None, :])
    return Prior(posterior.weights[start:], covariance[start:, start:], FACTORS)


def _factors(prior: Prior | None) -> dict[float, float]:
    return {1.0: 1.0} if prior is None else prior.factors


def _prior_of(
    prior: Prior | None, factor: float, spread: float, recipes: int, width: int, tops: Floats
) -> tuple[Floats, Floats]:
    """Return mean and covariance of all weights: intercepts, features, pairs."""
    deviations = np.concatenate(
        [
            np.full(recipes, OPEN_LEVEL_SD if len(tops) else LEVEL_SD),
            spread / np.array(SPANS),
            np.full(width - recipes - len(SPANS), spread),
        ]
    )
    mean, covariance = np.zeros(width), np.diag(deviations**2)
    mean[:recipes] = tops.mean() if len(tops) else LEVEL_MEAN
    if prior is not None:
        features = slice(recipes, recipes + len(FEATURES))
        mean[features] = factor * prior.mean
        covariance[features, features] += factor**2 * prior.covariance
    return mean, covariance


def _scales(rows: Floats, means: Floats, numbers: Floats, within: Floats, recipe: Rows, recipes: int) -> Floats:
    """Return the noise of each recipe relative to that of all, from repeated seeds, or else from residuals.

    Each recipe's variance counts as its degrees of freedom, that of all together as :data:`SHRINKAGE`.
    """
    freedom = np.bincount(recipe, numbers - 1, recipes)
    squares = np.bincount(recipe, within, recipes)
    if not freedom.sum() and len(rows) > rows.shape[1]:
        weights = np.linalg.lstsq(rows, means, rcond=None)[0]
        freedom = np.bincount(recipe, minlength=recipes) * (1 - np.linalg.matrix_rank(rows) / len(rows))
        squares = np.bincount(recipe, (means - rows @ weights) ** 2, recipes)
    if not freedom.sum() or not squares.sum():
        return np.ones(recipes)
    together = squares.sum() / freedom.sum()
    return np.asarray(np.sqrt((SHRINKAGE * together + squares) / (SHRINKAGE + freedom) / together))
