"""Kept sums, against all sums, and parts of what may be lost, against what is allowed."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lambda_arch.searching import pair_sums
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.lattice import Lattice
from lambda_arch.searching.pair_sums import Window, combine, kept_sums


def surface(rng: np.random.Generator, number: int, columns: int) -> Floats:
    """Points near a concave surface, most of which do not dominate each other."""
    points = rng.dirichlet(np.ones(columns), number) ** 0.7 * 100 + rng.uniform(0, 3, (number, columns))
    return np.round(points, 1) if rng.random() < 0.5 else np.asarray(points)


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.sampled_from([0.001, 0.02, 0.2]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
    st.booleans(),
)
def test_every_sum_is_covered(
    seed: int, columns: int, share: float, slope: float, with_maximum: bool, with_known: bool
) -> None:
    rng = np.random.default_rng(seed)
    a, b = (surface(rng, number, columns) for number in rng.integers(2, 90, 2))
    is_maximum = np.zeros(columns, np.bool_)
    is_maximum[-1] = with_maximum and columns > 1
    low = combine(a.min(axis=0), b.min(axis=0), is_maximum)
    slopes = np.where(is_maximum, 1.0, slope * (np.arange(columns) % 2))
    lattice = Lattice(low, np.full(columns, share), slopes, np.full(columns, 10.0))
    every = combine(a[:, None], b[None], is_maximum).reshape(-1, columns)
    limits = np.quantile(every, 0.7, axis=0) if rng.random() < 0.3 else None
    known = every[rng.integers(0, len(every), 5)] * 0.99 if with_known else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_sums, "FEW", 0)
        patch.setattr(pair_sums, "WAITING", 100)
        patch.setattr(pair_sums, "CHUNK", 256)
        found = kept_sums(a, b, lattice, is_maximum, limits=limits, known=known)
    assert np.array_equal(found.totals, combine(a[found.left], b[found.right], is_maximum))
    within = every if limits is None else every[(every <= limits).all(axis=1)]
    assert limits is None or (found.totals <= limits).all()
    covering = found.totals if known is None else np.concatenate([found.totals, known])
    widths = share * (slopes * within + 10.0) * (1 + 1e-9) + 1e-9
    covered = (covering[None] <= (within + widths)[:, None]).all(axis=2).any(axis=1)
    assert covered.all()
    assert len(found.totals) <= len(every)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 4), st.sampled_from([0.005, 0.05]))
def test_of_equal_slots_every_choice_has_a_near_half(seed: int, columns: int, share: float) -> None:
    """Sums of four and eight options, by halves within windows: none is lost, and each keeps close in one column."""
    rng = np.random.default_rng(seed)
    options = surface(rng, 5, columns)
    is_maximum = np.zeros(columns, np.bool_)
    ranges = options.max(axis=0) - options.min(axis=0)
    every, kept = options, options
    spread = 0.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_sums, "FEW", 0)
        for number in (2, 4, 8):
            lattice = Lattice(number * options.min(axis=0), np.full(columns, share), np.zeros(columns), ranges)
            window = Window(0, float(ranges[0] + 2 * spread), apart=number < 8)
            kept = kept_sums(kept, kept, lattice, is_maximum, window=window).totals
            every = np.unique(np.round((every[:, None] + every[None]).reshape(-1, columns), 9), axis=0)
            spread = 2 * spread + 2 * share * float(ranges[0])
            lost = (number - 1) * share * ranges * (1 + 1e-9)
            covered = kept[None] <= (every + lost)[:, None] + 1e-9
            if number < 8:
                covered &= (np.abs(kept[None] - every[:, None]) <= spread + 1e-9) | (np.arange(columns) > 0)
            assert covered.all(axis=2).any(axis=1).all()
