import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.searching.dominators import dominators


def on_front(values):
    return np.asarray(moocore.is_nondominated(values, keep_weakly=True))


def dominates(a, b):
    return (a <= b).all() and (a < b).any()


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(st.integers(0, 4), min_size=n, max_size=n), min_size=1)))
def test_each_row_has_a_dominator_on_the_front_or_is_on_it(rows):
    values = np.array(rows, float)
    found = dominators(values, on_front(values))
    for i, by in enumerate(found):
        dominated = any(dominates(each, values[i]) for each in values)
        assert (by >= 0) == dominated
        if dominated:
            assert found[by] == -1
            assert dominates(values[by], values[i])


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 6])
def test_random_rows_are_as_the_definition_says(columns):
    values = np.random.default_rng(columns).random((700, columns)).round(2)
    found = dominators(values, on_front(values))
    for i, by in enumerate(found):
        better = (values <= values[i]).all(axis=1) & (values < values[i]).any(axis=1)
        assert (by >= 0) == better.any()
        assert by < 0 or (better[by] and found[by] == -1)


KINDS = {
    "all on the front": lambda r, n: np.stack([r, 1 - r], axis=1),
    "one on the front": lambda r, n: np.stack([r, r], axis=1),
    "all on a front of three": lambda r, n: np.stack([r, *_split(1 - r)], axis=1),
    "three at random": lambda r, n: np.random.default_rng(1).random((n, 3)),
    "four at random": lambda r, n: np.random.default_rng(1).random((n, 4)),
    "half on a front of four": lambda r, n: _half(np.random.default_rng(1).dirichlet([1.0] * 4, n)),
    "all equal": lambda r, n: np.zeros((n, 3)),
}


def _split(rest):
    share = np.random.default_rng(2).random(len(rest))
    return rest * share, rest * (1 - share)


def _half(rows):
    rows[::2] += 0.01
    return rows


class Counting(np.ndarray):
    """An array that counts the values that come of its comparisons."""

    compared = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        found = getattr(ufunc, method)(*(np.asarray(each) for each in inputs), **keywords)
        Counting.compared += np.size(found)
        return found


@pytest.mark.parametrize("kind", KINDS)
def test_many_rows_take_few_comparisons_whatever_their_correlation(kind, monkeypatch):
    """A quadratic way, which takes minutes, has 25,000 a row and more of those of which half are on the front."""
    monkeypatch.setattr(Counting, "compared", 0)
    count = 100_000
    values = KINDS[kind](np.random.default_rng(0).random(count), count)
    found = dominators(values.view(Counting), on_front(values))
    assert Counting.compared < 1000 * count
    if kind.startswith("all"):
        assert (found == -1).all()
