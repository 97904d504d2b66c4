"""The parts of branch and bound, against all networks of small products."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lambda_arch.searching import bounded_front, branch_and_bound
from lambda_arch.searching.branching import Tree
from lambda_arch.searching.cells import Cells, number_of_cells
from lambda_arch.searching.enumeration import enumerate_front
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.metrics import METRICS, Constraint
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.relaxation import Open, Relaxation
from lambda_arch.searching.rounding import nearby
from lambda_arch.searching.slot_tables import SlotTables
from lambda_arch.searching.space_file import space_of
from lambda_arch.searching.within_tolerance import front_within
from tests.searching.spaces import small_spaces
from tests.searching.test_exact import _all_totals, problem

NAMES = ["macs", "params", "top1"]
CHOICES = {"depth": 38, "image_size": 96, "per": "block", "c3": {"k": [2, 8, 16]}, "c4": {"m": [3, 7, 23], "h": [2, 4]}}


def tree_of(asked: Problem, product: int) -> Tree:
    product_of = asked.space.products[product]
    tables = SlotTables(asked).of(product_of)
    return Tree(0, product, Relaxation(asked.fixed(product_of), tables, [0, 1, 2], 0.125))


@settings(max_examples=20)
@given(small_spaces(500), st.data())
def test_a_bound_is_below_every_network_of_its_set_and_climbs(space, data):
    asked = problem(space, NAMES)
    product = data.draw(st.integers(0, len(space.products) - 1))
    totals, tree = _all_totals(asked, product), tree_of(asked, product)
    relaxation = tree.relaxation
    most = relaxation.weights.shape[1] - 1
    start = np.array(
        data.draw(st.lists(st.tuples(*[st.integers(0, most)] * 2), min_size=len(totals), max_size=len(totals)))
    )
    networks = relaxation.all.rows(np.zeros(len(totals), np.intp))
    first = relaxation.bound(networks, start, totals[:, 1:])
    weights, best = relaxation.climb(networks, start, totals[:, 1:])
    slack = 1e-9 * (1 + np.abs(relaxation.at(weights) * totals).sum(axis=1))
    assert (first <= best + slack).all()
    for own, limit in zip(best - slack, totals, strict=True):
        within = (totals[:, 1:] <= limit[1:] + 1e-9).all(axis=1)
        assert own <= totals[within, 0].min()


def test_networks_close_to_a_point_are_networks_of_the_product_and_some_are_close():
    asked = problem(space_of(CHOICES, "choices"), NAMES)
    product, tree = asked.space.products[0], tree_of(asked, 0)
    relaxation = tree.relaxation
    generator = np.random.default_rng(0)
    front = exact_front(asked).points
    members = front[generator.choice(len(front), 20)]
    points = members[:, 1:]
    networks = relaxation.all.rows(np.zeros(20, np.intp))
    weights, _ = relaxation.climb(networks, np.full((20, 2), 70), points)
    (found,) = nearby(relaxation, networks, weights, points, 16, np.full(20, np.inf))
    rows = generator.choice(len(found.row), 200)
    at = found.row[rows]
    options = tree.options(np.zeros(200, np.intp), weights[at], *found.exchanges(rows))
    costs = [asked.slot(product, slot) for slot in product.slots]
    for totals, chosen in zip(found.totals[rows], relaxation.numbers[options], strict=True):
        own = sum(cost[option] for cost, option in zip(costs, chosen, strict=True))
        assert totals == pytest.approx(asked.fixed(product) + own, rel=1e-9)
    worse = ((found.totals - members[found.row]) / np.abs(members[found.row])).max(axis=1)
    assert np.median([worse[found.row == row].min() for row in range(20)]) < 0.001


def test_sets_are_divided_into_all_their_networks_each_once():
    asked = problem(space_of(CHOICES | {"c4": {}, "c3": {"k": [2, 8]}}, "choices"), NAMES)
    tree = tree_of(asked, 0)
    start = branch_and_bound.Nodes(*(np.zeros(1, np.intp),) * 3, np.full((1, 2), 70), np.full(1, -np.inf))
    leaves = []
    while len(start):
        start = tree.branch(start, np.full(len(start), np.inf))
        whole = (tree.open.counts[start.networks] == 0).all(axis=1)
        leaves += [tuple(totals) for totals in tree.open.fixed[start.networks[whole]]]
    found, totals = {tuple(np.round(leaf, 6)) for leaf in leaves}, _all_totals(asked, 0)
    assert len(leaves) == len(found) == len({tuple(row) for row in np.round(totals, 6)})


def test_a_set_of_one_network_yields_it():
    """Its bound is its own, so that nothing else is sure to be close."""
    tree = tree_of(problem(space_of(CHOICES, "choices"), NAMES), 0)
    relaxation = tree.relaxation
    fixed = relaxation.low + np.array([[1.0, 2.0, 3.0]])
    closed = Open(fixed, np.zeros((1, len(relaxation.counts)), np.int32))
    (found,) = nearby(relaxation, closed, np.full((1, 2), 70), fixed[:, 1:], 8, np.ones(1))
    assert len(found.totals) and (found.totals == fixed).all()


def test_the_cheapest_options_do_not_depend_on_what_else_is_asked():
    """Of two options, the costs are equal but for rounding at the ratio of the ranges."""
    relaxation = tree_of(problem(space_of({"depth": 18, "image_size": 96, "k": [2, 16]}, "two"), NAMES), 0).relaxation
    weights = np.moveaxis(np.indices(relaxation.least.shape[1:]), 0, -1).reshape(-1, 2)
    together = relaxation.weighted(weights)
    alone = np.concatenate([relaxation.weighted(row[None]) for row in weights])
    assert np.array_equal(together, alone)
    assert np.array_equal(np.minimum.reduceat(together, relaxation.starts, axis=1)[:, 0], relaxation.least[0].ravel())


@pytest.mark.parametrize("reached", [3.0, -3.0])
def test_no_bound_from_which_a_network_is_covered_allows_less_than_is_reached(reached):
    cells = Cells(np.ones(3), np.full(3, 9.0), 0.1, np.full(3, np.inf), 1)
    cells.offer(np.array([[reached, 1.0, 1.0]]), lambda rows: rows[:, None].astype(np.int32))
    cells.settle()
    assert cells.allowed(cells.covered_from(np.zeros(1, int), np.zeros(1, int))) == pytest.approx([reached])


def test_cells_end_where_no_network_has_the_tolerance_to_spare():
    low, high = np.array([1.0, -2.0, 1.0]), np.array([2.0, -1.0, 1.0])
    for limits, wanted in (
        ([np.inf, np.inf, np.inf], True),
        ([np.inf, 5.0, 5.0], True),
        ([np.inf, -2.1, 5.0], False),
        ([np.inf, 5.0, 0.0], False),
        ([np.inf, 5.0, -1.0], False),
    ):
        number = number_of_cells(low, high, 0.1, np.array(limits))
        assert number.all() == wanted and number[0] <= 2 * np.ceil(np.log(0.5) / np.log(0.9)) and number[1] <= 1


def test_what_only_just_keeps_a_bound_is_found():
    """No network keeps it with the tolerance to spare, but that there is none would be wrong."""
    asked = problem(space_of(CHOICES, "choices"), NAMES)
    least = _all_totals(asked, 0)[:, 1].min()
    front = front_within(problem(asked.space, NAMES, [Constraint(METRICS["params"], "<=", least)]), 0.01)
    assert len(front) and (front.points[:, 1] == least).all()


def test_members_that_are_chosen_are_as_good_as_wanted_or_as_any():
    generator = np.random.default_rng(0)
    totals = generator.uniform(1, 2, (5000, 3))
    cells = Cells(np.ones(3), np.full(3, 2.0), 0.05, np.full(3, np.inf), 1)
    cells.offer(totals, lambda rows: rows[:, None].astype(np.int32))
    cells.settle()
    i, j = (each.reshape(-1) for each in np.indices(cells.shape))
    cells.want(i, j, np.full(len(i), 1.1))
    chosen = totals[cells.choose()[:, 0]]
    assert 0 < len(chosen) < 500 and not len(cells.choose())
    for member in totals:
        enough = max(member[0], 1.1) * 1.05
        assert ((chosen[:, 1:] <= member[1:] * 1.05).all(axis=1) & (chosen[:, 0] <= enough)).any()


def test_what_is_too_large_for_it_is_merged(monkeypatch):
    asked = problem(space_of(CHOICES, "choices"), NAMES)
    assert front_within(asked, 0.01).how.startswith("branch and bound")
    for limit in ("MOST_CELLS", "MOST_TABLES", "MOST_OPTIONS"):
        with monkeypatch.context() as patch:
            patch.setattr(bounded_front, limit, 1)
            assert front_within(asked, 0.01).how.startswith("pairwise merging")


def test_a_narrow_tolerance_divides_networks_until_it_is_kept(monkeypatch):
    """With few slots the hull is far from most networks."""
    monkeypatch.setattr(branch_and_bound, "MOST_NODES", np.inf)
    asked = problem(
        space_of({"depth": 18, "image_size": 64, "per": "stage", "k": [2, 8, 32], "m": [3, 23]}, "few"), NAMES
    )
    divided = []
    divide = Tree.divide
    monkeypatch.setattr(Tree, "divide", lambda *arguments: divided.append(divide(*arguments)) or divided[-1])
    exact, front = enumerate_front(asked), front_within(asked, 0.003)
    assert front.how.startswith("branch and bound") and len(exact) > 20 and sum(map(len, divided)) > 20
    for member in exact.points:
        assert (front.points <= member + 0.003 * (1 + 1e-9) * np.abs(member)).all(axis=1).any()
