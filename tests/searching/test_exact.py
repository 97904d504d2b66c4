"""The exact engine against brute force over every architecture, and the error that thinning promises."""

from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, example, given, settings

from lambda_arch import LambdaArchError, SetupError
from lambda_arch.arch import Part, ResNet
from lambda_arch.costs import count, count_many
from lambda_arch.costs.peak import peak_memory
from lambda_arch.searching.accuracy import published_model
from lambda_arch.searching.enumeration import enumerate_front
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.front import Front
from lambda_arch.searching.latency import Latency
from lambda_arch.searching.metrics import METRICS, Constraint, read_constraint
from lambda_arch.searching.optimization import Problem, make_problem
from lambda_arch.searching.part_costs import Costs
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.space_file import read_space, space_of
from lambda_arch.searching.thinning import thin_out
from tests.searching.spaces import small_spaces

NAMES = ("params", "macs", "memory", "top1", "latency", "throughput")


def seconds(part: Part) -> float:
    """Made-up seconds: few distinct values, so that there are ties."""
    if part.stage is None:
        return 2e-3
    return 1e-3 * (1 + (17 * part.stage + 5 * part.first + len(str(part.settings.block)) + part.size) % 3)


def problem(space: Space, names: Sequence[str], where: Sequence[Constraint] = ()) -> Problem:
    metrics = [METRICS[name] for name in names]
    return make_problem(space, metrics, where, published_model(), Latency(seconds, batch_size=8))


def measured(architecture: ResNet, names: Sequence[str]) -> list[float]:
    """What an architecture costs, by the ledger and the whole network, minimised."""
    ledger = count(architecture)
    total = sum(map(seconds, architecture.parts()))
    found = []
    for name in names:
        found.append(
            {
                "params": lambda: float(ledger.params),
                "macs": lambda: float(ledger.macs),
                "memory": lambda: float(peak_memory(architecture)),
                "top1": lambda: -published_model().predict(architecture).top1,
                "latency": lambda: total,
                "throughput": lambda: total,
            }[name]()
        )
    return found


def brute_force(points: np.ndarray) -> set[tuple[float, ...]]:
    """The distinct rows of ``points`` that no other dominates, by comparing all pairs."""
    distinct = np.unique(np.round(points, 6), axis=0)
    kept = []
    for row in distinct:
        no_worse = (distinct <= row).all(axis=1)
        if no_worse.sum() == 1:  # itself
            kept.append(tuple(row))
    return set(kept)


def rounded(points: np.ndarray) -> set[tuple[float, ...]]:
    return {tuple(row) for row in np.round(points, 6)}


@pytest.mark.slow
@settings(max_examples=25)
@given(small_spaces(1500), st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
def test_both_engines_find_what_comparing_all_pairs_finds(space: Space, names: list[str]) -> None:
    assume(not {"latency", "throughput"} <= set(names))
    points = np.array([measured(architecture, names) for architecture in space.architectures()])
    expected = brute_force(points)
    for engine in (enumerate_front, exact_front):
        front = engine(problem(space, names))
        assert rounded(front.points) == expected
        assert front.is_exact
        for i in range(len(front)):
            assert measured(front.architecture(i), names) == pytest.approx(front.points[i].tolist(), rel=1e-9)


@settings(max_examples=20)
@given(
    small_spaces(100_000),
    st.lists(st.sampled_from(["params", "macs", "memory", "top1"]), min_size=2, max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from(NAMES[:4]), st.floats(0.1, 0.9)), max_size=2),
)
def test_exact_equals_enumeration_under_bounds(space: Space, names: list[str], bounds: list[tuple[str, float]]) -> None:
    free = problem(space, NAMES[:4])
    totals = np.concatenate([_all_totals(free, i) for i in range(len(space.products))])
    where = []
    for name, share in bounds:  # bounds that cut somewhere within the space
        value = float(np.quantile(totals[:, NAMES.index(name)], share))
        where.append(Constraint(METRICS[name], ">=" if name == "top1" else "<=", -value if name == "top1" else value))
    asked = problem(space, names, where)
    assert rounded(exact_front(asked).points) == rounded(enumerate_front(asked).points)


def _all_totals(asked: Problem, i: int) -> np.ndarray:
    product = asked.space.products[i]
    totals = asked.fixed(product)[None, :]
    for slot in product.slots:
        totals = asked.combine(totals[:, None], asked.slot(product, slot)[None]).reshape(-1, totals.shape[1])
    return totals


@pytest.mark.slow
@settings(max_examples=60)
@given(
    small_spaces(5_000),
    st.lists(st.sampled_from(["params", "macs", "memory", "top1"]), min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(st.sampled_from(NAMES[:4]), st.floats(0.0, 1.0)), max_size=4),
    st.integers(2, 30),
    st.integers(0, 30),
)
def test_a_thinned_front_keeps_its_promise_under_bounds(
    space: Space, names: list[str], bounds: list[tuple[str, float]], thinned: int, spare: int
) -> None:
    free = problem(space, NAMES[:4])
    totals = np.concatenate([_all_totals(free, i) for i in range(len(space.products))])
    where = []
    for name, share in bounds:  # bounds that are the figures of some architecture: as tight as can be
        value = float(np.quantile(totals[:, NAMES.index(name)], share, method="nearest"))
        where.append(Constraint(METRICS[name], ">=" if name == "top1" else "<=", -value if name == "top1" else value))
    asked = problem(space, names, where)
    front = exact_front(asked, limit=thinned + spare, thinned=thinned)
    allowed = np.concatenate([_all_totals(asked, i) for i in range(len(space.products))])
    allowed = allowed[asked.allowed(allowed)][:, : len(names)]
    assert len(front) <= len(allowed)
    assert len(front) == 0 or np.isfinite(front.error).all()
    for architecture in allowed:
        assert (front.points <= architecture + front.error + 1e-6).all(axis=1).any() or np.isinf(front.error).all()
    for i in range(len(front)):
        totals_of = np.array(measured(front.architecture(i), NAMES[:4]))
        for bound in where:
            value = totals_of[NAMES.index(bound.metric.name)]
            assert value <= bound.bound if bound.relation == "<=" else -value >= bound.bound - 2e-6 * abs(bound.bound)
        assert measured(front.architecture(i), names) == pytest.approx(front.points[i].tolist(), rel=1e-9)


def test_a_representative_keeps_the_bounds_of_what_it_stands_for() -> None:
    table = {"depth": 26, "image_size": 128, "per": "stage", "layer": ["C", "L"], "k": [2, 8, 16], "u": [1, 4]}
    where = [read_constraint("flops<=5029134336"), read_constraint("top1>=71.165")]
    asked = problem(space_of(table, "stages"), ("flops", "top1"), where)
    front = exact_front(asked, limit=12, thinned=6)
    allowed = enumerate_front(asked).points
    assert len(allowed)
    for point in allowed:
        assert (front.points <= point + front.error + 1e-6).all(axis=1).any()


@settings(max_examples=80)
@given(st.integers(1, 200), st.integers(1, 4), st.integers(1, 60), st.integers(0, 4), st.integers(0, 2**31))
@example(70, 4, 46, 2, 3128123)  # some columns have few values, at the coarsest grid
def test_thinning_says_how_much_worse_it_makes_things(
    rows: int, columns: int, wanted: int, bounded: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    points = draw.integers(0, 100, (rows, columns)).astype(float)
    slack = np.where(np.arange(columns) < bounded, draw.integers(-10, 100, columns), np.inf)
    kept, error = thin_out(points, wanted, slack)
    for row in points:
        assert ((points[kept] <= row + error) & (points[kept] <= np.maximum(row, slack))).all(axis=1).any()
    assert len(kept) >= 1
    if (slack >= points.max(axis=0)).all():
        assert len(kept) <= wanted


@settings(max_examples=30)
@given(small_spaces(500), st.data())
def test_a_bound_that_an_architecture_just_keeps_does_not_exclude_it(space: Space, data: st.DataObject) -> None:
    architectures = list(space.architectures())
    chosen = data.draw(st.sampled_from(architectures))
    top1 = published_model().predict(chosen).top1
    where = [Constraint(METRICS["top1"], ">=", top1), Constraint(METRICS["macs"], "<=", count(chosen).macs)]
    for engine in (enumerate_front, exact_front):
        front = engine(problem(space, ("macs",), where))
        assert len(front)
        assert front.points.max() <= count(chosen).macs


def test_thinning_does_happen_and_its_error_is_told() -> None:
    space = space_of({"depth": 18, "per": "block", "k": [2, 4, 8, 16, 32], "m": [3, 7, 23], "image_size": 64}, "big")
    asked = problem(space, ("params", "macs", "top1"))
    exact, rough = exact_front(asked), exact_front(asked, limit=50, thinned=25)
    assert exact.is_exact
    assert not rough.is_exact
    assert (rough.relative_error() > 0).any()
    for point in exact.points:
        assert (rough.points <= point + rough.error + 1e-6).all(axis=1).any()


def test_costs_are_those_of_count_many() -> None:
    space = space_of({"k": [2, 16], "h": [2, 8], "u": [1, 4], "m": [7, "global"], "image_size": 64}, "many")
    costs = Costs((METRICS["params"], METRICS["macs"], METRICS["flops"]))
    product = space.products[0]
    totals = costs.fixed(product) + costs.slot(product, product.slots[0])
    layers = [product.architecture([i]).stages[0][0].layer for i in range(product.size)]
    scopes = [0 if layer.m == "global" else layer.m for layer in layers]  # type: ignore[union-attr]
    settings = {name: np.array([getattr(layer, name) for layer in layers]) for name in ("k", "h", "u")}
    counts = count_many("lambda_resnet50@64", **settings, m=np.array(scopes))
    assert (totals == np.stack([counts.params, counts.macs, counts.flops], axis=1)).all()


def test_a_bound_against_what_is_better_needs_a_small_space() -> None:
    where = [read_constraint("params>=15M")]
    front = enumerate_front(problem(read_space("scaling"), ("macs", "top1"), where))
    assert all(front.values(i)["params"] >= 15e6 for i in range(len(front)))
    with pytest.raises(LambdaArchError, match=r"params>=15M: .*stages has 8.2e\+09"):
        exact_front(problem(read_space("stages"), ("macs", "top1"), where))


def test_nothing_within_the_bounds_is_an_empty_front() -> None:
    for engine in (enumerate_front, exact_front):
        front = engine(problem(space_of({"depth": 18}, "one"), ("macs",), [read_constraint("params<=1K")]))
        assert len(front) == 0


def test_throughput_is_read_off_latency() -> None:
    asked = problem(space_of({"depth": 18, "layer": ["C", "L"]}, "two"), ("throughput",))
    front: Front = enumerate_front(asked)
    assert front.values(0)["throughput"] == pytest.approx(8 / front.points[0, 0])
    bounded = problem(asked.space, ("macs",), [read_constraint(f"throughput>={0.999 * front.values(0)['throughput']}")])
    assert len(enumerate_front(bounded)) == 1
    none = problem(asked.space, ("macs",), [read_constraint(f"throughput>={1.001 * front.values(0)['throughput']}")])
    assert len(enumerate_front(none)) == 0


def test_what_was_not_calibrated_is_named() -> None:
    def none(part: Part) -> float:
        if part.stage is None:
            return 0.0
        raise KeyError(part.path)

    latency = Latency(none, setup="a device")
    with pytest.raises(SetupError, match=r"latency: c2.1 was not calibrated on a device"):
        exact_front(make_problem(read_space("stages"), [METRICS["latency"]], (), None, latency))
    with pytest.raises(SetupError, match="latency: no calibration"):
        make_problem(read_space("stages"), [METRICS["latency"]])
