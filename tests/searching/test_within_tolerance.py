"""Fronts within a tolerance, against brute force over every architecture."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lambda_arch import LambdaArchError
from lambda_arch.searching.enumeration import enumerate_front
from lambda_arch.searching.metrics import METRICS, Constraint
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import read_space, space_of
from lambda_arch.searching.within_tolerance import Merger, front_within
from tests.command_line import run
from tests.searching.spaces import small_spaces
from tests.searching.test_exact import NAMES, _all_totals, measured, problem

CHOICES = {"depth": [18, 38], "image_size": [64, 96], "per": "block", "stem": ["7x7", "rs"]}
CHOICES |= {
    "c5": {"k": [2, 16], "m": 7},
    "c2": {"k": [4, 8], "m": 7, "se": [0.0, 0.25]},
    "c4": {"m": [3, 7], "per": "stage"},
}


def _spread(share: float, names: list[str], space: Space, where: list[Constraint]) -> None:
    """Assert the promise of a front for every architecture that keeps the bounds with the tolerance to spare."""
    asked = problem(space, names, where)
    front = front_within(asked, share)
    totals = np.concatenate([_all_totals(asked, i) for i in range(len(space.products))])
    due = totals[(totals + share * np.abs(totals) + 1e-9 <= asked.bounds).all(axis=1)][:, : len(names)]
    assert front.share is not None and (front.share <= share * (1 + 1e-9)).all()
    for architecture in due:
        worse = architecture + front.share * np.abs(architecture) + 1e-6
        assert (front.points <= worse).all(axis=1).any()
        assert (front.points <= architecture + front.error + 1e-6).all(axis=1).any()
    assert asked.allowed(front.totals).all()
    for i in np.linspace(0, len(front) - 1, min(len(front), 5)).astype(int):
        assert measured(front.architecture(i), names) == pytest.approx(front.points[i].tolist(), rel=1e-9)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    small_spaces(3_000),
    st.lists(st.sampled_from(NAMES[:4]), min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from(NAMES[:4]), st.floats(0.1, 1.0)), max_size=2),
    st.sampled_from([1e-4, 0.005, 0.03, 0.1]),
)
def test_every_architecture_has_a_member_within_the_tolerance(
    space: Space, names: list[str], bounds: list[tuple[str, float]], share: float
) -> None:
    free = problem(space, NAMES[:4])
    totals = np.concatenate([_all_totals(free, i) for i in range(len(space.products))])
    where = []
    for name, quantile in bounds:
        value = float(np.quantile(totals[:, NAMES.index(name)], quantile, method="nearest"))
        where.append(Constraint(METRICS[name], ">=" if name == "top1" else "<=", -value if name == "top1" else value))
    _spread(share, names, space, where)


@pytest.mark.parametrize("share", [0.002, 0.05])
def test_products_that_are_left_out_are_covered(share: float) -> None:
    space = space_of({**CHOICES, "depth": 18}, "choices")
    _spread(share, ["params", "macs", "top1"], space, [])
    _spread(share, ["macs", "memory", "top1"], space, [])


def test_a_wide_tolerance_keeps_fewer_members_and_a_narrow_one_the_front() -> None:
    asked = problem(space_of({**CHOICES, "depth": 18}, "choices"), ["params", "macs", "top1"])
    exact, near, far = enumerate_front(asked), front_within(asked, 1e-7), front_within(asked, 0.05)
    assert len(far) < len(near) == len(exact)
    assert near.points == pytest.approx(exact.points)
    assert not far.is_exact


def test_stems_share_their_merges() -> None:
    space = space_of({**CHOICES, "depth": 18, "image_size": 64}, "choices")
    merger = Merger(problem(space, ["params", "macs", "top1"]), 0.01)
    merger.front(space.products[0])
    before = len(merger.tables)
    merger.front(space.products[1])
    assert len({key for key, *_ in merger.tables.values()}) < len(merger.tables) == 2 * before


def test_the_space_of_whole_networks_is_read_at_once() -> None:
    space = read_space("networks")
    assert len(space.products) == 140
    assert len(str(space.size)) > 80
    blocks = {id(slot.columns[0].blocks) for product in space.products for slot in product.slots}  # type: ignore[union-attr]
    assert len(blocks) == 4


def test_tolerances_that_cannot_be_met_are_refused() -> None:
    with pytest.raises(LambdaArchError, match="tolerance=0: expected more than 0"):
        front_within(problem(read_space("blocks"), ["macs", "top1"]), 0)
    told = run("search", "--space", "blocks", "--tolerance", "2")
    assert told.code == 2 and "--tolerance 2: expected more than 0 and at most 0.1" in told.err
