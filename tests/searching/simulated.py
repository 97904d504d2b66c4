"""Simulated training: accuracies that follow from known weights, with noise."""

from collections.abc import Sequence

import numpy as np

from lambda_arch.arch import ResNet
from lambda_arch.searching.features import FEATURES, features, pair_features
from lambda_arch.searching.space_file import space_of
from lambda_arch.searching.training_runs import OWN, Run

SPACE = space_of(
    {
        "depth": [26, 38, 50],
        "image_size": [128, 160, 192, 224],
        "stages": ["CCCC", "CCCL", "CCLL", "CLLL", "LLLL", "LLCC"],
        "k": [4, 16],
        "u": [1, 4],
    },
    "simulated",
)
WEIGHTS = np.array([-3.5, -1.8, 0.1, 0.0, 0.5, 0.5, 0.3, 0.1, 0.3, -2.0, -0.1, -9.0, 0.5])
assert len(WEIGHTS) == len(FEATURES)


def architectures(number: int, seed: int = 0) -> list[ResNet]:
    found = list(dict.fromkeys(SPACE.architectures()))
    chosen = np.random.default_rng(seed).choice(len(found), number, replace=False)
    return [each for i in chosen if isinstance(each := found[i], ResNet)]


def truth(architecture: ResNet, weights: np.ndarray = WEIGHTS, interaction: float = 0.0) -> float:
    return float(80 + weights @ features(architecture) + interaction * pair_features(architecture).sum())


def runs(
    networks: Sequence[ResNet],
    noise: float,
    seed: int = 0,
    *,
    weights: np.ndarray = WEIGHTS,
    interaction: float = 0.0,
    recipe: str = OWN,
    repeats: int = 1,
) -> list[Run]:
    random = np.random.default_rng(seed)
    return [
        Run(network, recipe, truth(network, weights, interaction) + noise * random.standard_normal())
        for network in networks
        for _ in range(repeats)
    ]
