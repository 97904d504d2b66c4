from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_arch.arch import BLOCKS, compress, evenly_spaced, expand

# Bello, ICLR 2021: positions within c4 are not printed; these are the evenly spaced ones, counted from 1
SPACED = [
    (1, 6, [3]),
    (3, 23, [6, 12, 18]),
    (6, 36, [5, 10, 15, 20, 25, 30]),
    (6, 53, [8, 16, 24, 32, 40, 48]),
    (6, 72, [10, 20, 30, 40, 50, 60]),
    (8, 87, [10, 20, 30, 40, 50, 60, 70, 80]),
]


@pytest.mark.parametrize(("count", "blocks", "positions"), SPACED)
def test_the_hybrids_of_the_paper(count, blocks, positions):
    assert [i for i, letter in enumerate(evenly_spaced(count, blocks), 1) if letter == "L"] == positions


@given(st.integers(0, 90).flatmap(lambda blocks: st.tuples(st.integers(0, blocks), st.just(blocks))))
def test_evenly_spaced_has_as_many_as_asked_at_one_gap(numbers):
    count, blocks = numbers
    letters = evenly_spaced(count, blocks)
    places = [i for i, letter in enumerate(letters) if letter == "L"]
    assert len(letters) == blocks
    assert len(places) == count
    assert len({b - a for a, b in pairwise(places)}) <= 1


@given(st.sampled_from(list(BLOCKS.values())), st.data())
def test_compress_inverts_expand(blocks, data):
    letters = tuple("".join(data.draw(st.lists(st.sampled_from("CL"), min_size=n, max_size=n))) for n in blocks)
    assert expand(compress(letters), blocks) == letters
    assert expand("-".join(letters), blocks) == letters
    assert expand("".join(letters), blocks) == letters
