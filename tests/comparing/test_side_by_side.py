"""Architectures side by side, in the library and on the command line."""

import csv
import io

import pytest

from lambda_arch import ArchitectureError, count, parse, side_by_side
from lambda_arch.store import Case, Setup, Status, Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, finish_measurement
from lambda_arch.store.rounds import keep_round
from tests.command_line import run
from tests.store.rows import MACHINE

NAMES = ["lambda_resnet50", "lambda_resnet50:k=8"]


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "x.db"
    Store(path).close()
    return path


def test_totals_are_the_ledgers_and_stages_and_modules_sum_to_them(store):
    found = side_by_side(NAMES, store=store)
    ledgers = [count(name) for name in NAMES]
    for quantity in ("params", "macs"):
        totals = tuple(getattr(ledger, quantity) for ledger in ledgers)
        for level in ("network", "stage", "module"):
            costs = [cost for cost in found.of(level) if cost.quantity == quantity]
            assert tuple(sum(values) for values in zip(*(cost.values for cost in costs), strict=True)) == totals


def test_what_differs_is_marked(store):
    found = side_by_side(NAMES, store=store)
    stages = {cost.place: cost.differs for cost in found.of("stage") if cost.quantity == "params"}
    assert stages == {"stem": False, "c2": True, "c3": True, "c4": True, "c5": True, "head": False}
    modules = {cost.place for cost in found.of("module") if cost.differs}
    assert "c2.1.spatial.lambdas.queries" in modules
    assert "c2.1.reduce.conv" not in modules


def test_modules_that_one_has_not_stand_where_they_are(store):
    found = side_by_side(["resnet50", "lambda_resnet50:stages=CCCL"], store=store)
    places = [cost.place for cost in found.of("module") if cost.quantity == "macs"]
    assert places[-2:] == ["head.pool", "head.fc"]
    conv = next(cost for cost in found.of("module") if cost.place == "c5.1.spatial.conv")
    assert conv.values[0] and conv.values[1] is None
    assert conv.differs


def test_memory_is_left_open_where_it_is_not_known(store):
    found = side_by_side(["resnet50", "efficientnet_b0"], store=store)
    (memory,) = (cost for cost in found.of("network") if cost.quantity == "peak_memory")
    assert memory.values[0] and memory.values[1] is None


def test_stored_latencies_are_shown_with_their_setup(store):
    with Store(store) as opened:
        keep_machine(opened, MACHINE)
        for samples in ([0.07] * 5, [0.05] * 5):  # the newest counts
            uid = begin_measurement(opened, Case(parse(NAMES[0]), Setup(threads=1)), "f", "t", {})
            keep_round(opened, uid, 1, samples, {}, 7)
            finish_measurement(opened, uid, Status.OK)
    (latency,) = (cost for cost in side_by_side(NAMES, store=store).costs if cost.quantity == "latency")
    assert latency.values == (0.05, None)
    assert latency.note


@pytest.mark.parametrize(
    ("sessions", "second", "differs"),
    [(("t", "t"), 0.09, True), (("t", "t"), 0.071, False), (("t", "later"), 0.09, True)],
)
def test_latencies_differ_beyond_their_spread_and_say_their_sessions(store, sessions, second, differs):
    with Store(store) as opened:
        keep_machine(opened, MACHINE)
        for name, session, seconds in zip(NAMES, sessions, (0.07, second), strict=True):
            uid = begin_measurement(opened, Case(parse(name), Setup(threads=1)), "f", session, {})
            keep_round(opened, uid, 1, [seconds * share for share in (0.96, 0.98, 1, 1.02, 1.04)], {}, 7)
            finish_measurement(opened, uid, Status.OK)
    (latency,) = (cost for cost in side_by_side(NAMES, store=store).costs if cost.quantity == "latency")
    assert latency.differs == differs
    assert ("in 2 sessions (20" in latency.note) == (sessions == ("t", "later"))


def test_the_command_has_a_row_per_cost_and_marks_differences(store):
    rows = list(csv.DictReader(io.StringIO(run("compare", *NAMES, "--store", store, "--format", "csv").out)))
    assert rows[0] == {
        "level": "network",
        "place": "total",
        "quantity": "params",
        "unit": "",
        "note": "",
        "lambda_resnet50": "14995592",
        "lambda_resnet50:k=8": "14775816",
        "differs": "yes",
    }
    shown = run("compare", *NAMES, "--store", store, "--format", "table").out
    assert "14,775,816" in shown
    assert "≠" in shown


@pytest.mark.parametrize("names", [["resnet50"], ["lambda_resnet50", "lambda_resnet50:k=16"]])
def test_two_different_architectures_are_needed(names, store):
    with pytest.raises(ArchitectureError, match="expected two different architectures"):
        side_by_side(names, store=store)
