"""Fronts within a tolerance, against brute force over every architecture."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lambda_arch import LambdaArchError
from lambda_arch.searching import branch_and_bound, merging, pair_sums, pareto_search, parts, within_tolerance
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.enumeration import enumerate_front
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.merging import Merger
from lambda_arch.searching.metrics import METRICS, Constraint
from lambda_arch.searching.pareto_search import find_front
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.slot_tables import SlotTables
from lambda_arch.searching.space_file import read_space, space_of
from lambda_arch.searching.within_tolerance import front_within, is_vast
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
@pytest.mark.parametrize("merged", [False, True])
@settings(max_examples=40)
@given(
    small_spaces(3_000),
    st.permutations(["params", "macs", "top1"])
    | st.permutations(NAMES[:4])
    | st.lists(st.sampled_from(NAMES[:4]), min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from(NAMES[:4]), st.floats(0.1, 1.0)), max_size=2),
    st.sampled_from([2e-4, 0.005, 0.03, 0.1]),
)
def test_every_architecture_has_a_member_within_the_tolerance(
    merged: bool, space: Space, names: list[str], bounds: list[tuple[str, float]], share: float
) -> None:
    free = problem(space, NAMES[:4])
    totals = np.concatenate([_all_totals(free, i) for i in range(len(space.products))])
    where = []
    for name, quantile in bounds:
        value = float(np.quantile(totals[:, NAMES.index(name)], quantile, method="nearest"))
        where.append(Constraint(METRICS[name], ">=" if name == "top1" else "<=", -value if name == "top1" else value))
    with pytest.MonkeyPatch.context() as patch:
        if merged:
            patch.setattr(within_tolerance, "bounded_front", lambda *arguments: None)
        else:
            patch.setattr(branch_and_bound, "MOST_NODES", np.inf)
            share = max(share, 0.003)  # small products have few networks, and many cells then
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


SUMS = ["params", "macs", "top1"]


@pytest.mark.parametrize(
    ("names", "merged"),
    [
        (SUMS, False),
        (SUMS, True),
        ([*SUMS, "memory"], False),
        ([*SUMS, "memory"], True),
        (["macs", "memory", "top1"], True),
        (["params", "macs"], True),
    ],
)
@pytest.mark.parametrize("share", [0.001, 0.01])
def test_long_stages_keep_the_promise_for_every_member_of_the_exact_front(
    monkeypatch: pytest.MonkeyPatch, share: float, names: list[str], merged: bool
) -> None:
    """Windows, tiles and shares of merges of merges, which small spaces do not reach, are used for all of it."""
    if merged:
        monkeypatch.setattr(within_tolerance, "bounded_front", lambda *arguments: None)
    monkeypatch.setattr(pair_sums, "FEW", 0)
    monkeypatch.setattr(parts, "EXACT", 2)
    monkeypatch.setattr(merging, "NARROW", 0.1)
    c4 = {"per": "block", "k": [2, 16], "m": [3, 7]}
    table = {"depth": 101, "image_size": [64, 96], "k": 4, "m": 3, "c4": c4, "c5": {"per": "block", "h": [1, 4]}}
    asked = problem(space_of(table, "long"), names)
    assert asked.space.size > 1e15
    exact, front = exact_front(asked), front_within(asked, share)
    assert exact.is_exact and front.how.startswith("pairwise merging" if merged else "branch and bound")
    for member in exact.points:
        assert (front.points <= member + share * (1 + 1e-9) * np.abs(member)).all(axis=1).any()
    for i in (0, len(front) - 1):
        assert measured(front.architecture(i), names) == pytest.approx(front.points[i].tolist(), rel=1e-9)


@pytest.mark.parametrize("depth", [50, 101])
def test_what_all_merges_may_lose_adds_up_to_the_tolerance(depth: int) -> None:
    """Of any architecture: the least, the most, and one that is least in all parts but one."""
    table = {"depth": depth, "image_size": 96, "per": "block", "k": [2, 16], "m": [3, 7]}
    asked = problem(space_of(table, "table"), ["params", "macs", "top1"])
    merged = Merger(asked, SlotTables(asked), 0.01).merge(asked.space.products[0])
    number = merged.root.number

    def lost(part: parts.Part, first: int, most: range) -> tuple[Floats, Floats]:
        """Return a part's totals, and what its merges lose if each loses all that it may."""
        if part.halves is None:
            return (part.most if first in most else part.least), np.zeros(3)
        left, right = part.halves
        (a, in_a), (b, in_b) = lost(left, first, most), lost(right, first + left.number, most)
        own = part.share * (parts.SLOPE * merged.slope * (a + b + in_a + in_b) + part.constant)
        return a + b, in_a + in_b + (own if part is not merged.root else 0.0)

    for most in (range(0), range(1), range(number // 2), range(number)):
        totals, of_parts = lost(merged.root, 0, most)
        whole = np.abs(totals + merged.fixed)
        at_root = parts.AT_ROOT * merged.merger.allowed * (whole + merged.slope * of_parts)
        assert (of_parts + at_root <= 0.01 * whole * (1 + 1e-9)).all()


def test_products_with_equal_costs_are_merged_once() -> None:
    space = space_of({**CHOICES, "depth": [18, 26], "stem": "rs", "image_size": 64}, "choices")
    asked = problem(space, ["params", "macs", "top1"])
    merger = Merger(asked, SlotTables(asked), 0.01)
    found = merger.merge(space.products[0]).found(np.empty((0, 3)))
    before = len(merger.kept)
    again = merger.merge(space.products[1]).found(np.empty((0, 3)))
    assert len(merger.kept) == before and np.array_equal(found.totals, again.totals)


def test_a_vast_space_has_a_tolerance_that_the_front_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = problem(space_of({**CHOICES, "depth": [18, 38], "c3": {"k": [2, 4]}}, "choices"), ["macs", "top1"])
    assert is_vast(read_space("networks")) and not is_vast(read_space("blocks")) and not is_vast(asked.space)
    monkeypatch.setattr(within_tolerance, "VAST", 10)
    monkeypatch.setattr(pareto_search, "LIMIT", 10)
    front = find_front(asked)
    assert front.share is not None and front.share.tolist() == [0.005, 0.005]
    assert "within 0.5% because there are so many" in front.how


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
