"""Quantiles of mixtures of normal distributions."""

from collections.abc import Sequence

import numpy as np

from lambda_arch.searching.arrays import Floats


def quantiles(shares: Floats, means: Floats, deviations: Floats, levels: Sequence[float]) -> tuple[float, ...]:
    """Return the values below which the mixture has the probabilities ``levels``, by bisection of its distribution."""
    from scipy.special import ndtr, ndtri

    wanted = np.array(levels)
    single = means[:, None] + deviations[:, None] * ndtri(wanted)
    low, high = single.min(axis=0), single.max(axis=0)
    for _ in range(60):
        middle = (low + high) / 2
        below = shares @ ndtr((middle - means[:, None]) / deviations[:, None]) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return tuple(((low + high) / 2).tolist())
