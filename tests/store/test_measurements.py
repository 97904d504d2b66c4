from dataclasses import replace

import pytest

from lambda_arch.arch import parse
from lambda_arch.store import Case, Setup, Status, Store, find_measurements
from lambda_arch.store.conditions import select
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, find_finished, find_largest_batch_size, finish_measurement
from lambda_arch.store.rounds import keep_round
from tests.store.rows import MACHINE, SETUP, keep


def test_what_is_kept_comes_back(tmp_path):
    with Store(tmp_path / "s.db") as store:
        uid = keep(store, batch=3)
    with Store(tmp_path / "s.db") as store:
        (found,) = find_measurements(store)
    assert (found.uid, found.setup, found.status) == (uid, Setup(batch_size=3, threads=1), "ok")
    assert found.rounds == {1: [1.0, 2.0]}
    assert found.summary.median == 1.5
    assert found.machine["device_name"] == "a device"
    assert found.throughput == 2.0
    assert any("others used about 50%" in text for text in found.warnings)


def test_a_largest_batch_size_is_known_under_its_memory_limit_alone(tmp_path):
    with Store(tmp_path / "s.db") as store:
        keep_machine(store, MACHINE)
        case, limit = Case(parse("resnet50@64"), SETUP, auto=True), 10**9
        found = replace(case, setup=replace(SETUP, batch_size=48))
        uid = begin_measurement(store, found, "f", "t", {"memory": limit})
        assert find_largest_batch_size(store, case, "f", limit) == 0  # not measured yet
        keep_round(store, uid, 1, [1.0], {}, 1)
        finish_measurement(store, uid, Status.OK)
        assert find_largest_batch_size(store, case, "f", limit) == 48
        assert find_largest_batch_size(store, case, "f", 0) == 0
        assert find_largest_batch_size(store, case, "g", limit) == 0


def test_selecting_by_conditions(tmp_path):
    with Store(tmp_path / "s.db") as store:
        for batch in (1, 8, 16):
            keep(store, batch)
        found = find_measurements(store)
    assert [m.setup.batch_size for m in select(found, ["batch=8"])] == [8]
    assert len(select(found, ["architecture=RES*", "compile=no"])) == 3
    assert select(found, ["architecture=lambda*"]) == []
    with pytest.raises(ValueError, match="did you mean batch"):
        select(found, ["batsh=8"])
    with pytest.raises(ValueError, match="name=value"):
        select(found, ["batch"])


LIMITS = {"memory": 10**9, "timeout": 60.0}


@pytest.mark.parametrize(
    ("status", "now", "is_known"),
    [
        (Status.OK, {"memory": 0, "timeout": 1e9}, True),
        (Status.FAILED, {"memory": 0, "timeout": 1e9}, True),
        (Status.OUT_OF_MEMORY, LIMITS, True),
        (Status.OUT_OF_MEMORY, {**LIMITS, "memory": 10**6}, True),
        (Status.OUT_OF_MEMORY, {**LIMITS, "memory": 10**10}, False),
        (Status.OUT_OF_MEMORY, {**LIMITS, "memory": 0}, False),
        (Status.TIMEOUT, LIMITS, True),
        (Status.TIMEOUT, {**LIMITS, "timeout": 1.0}, True),
        (Status.TIMEOUT, {**LIMITS, "timeout": 61.0}, False),
        (Status.CRASH, LIMITS, False),
    ],
)
def test_a_failure_counts_under_limits_at_least_as_tight_and_a_crash_never(tmp_path, status, now, is_known):
    case = Case(parse("resnet50"), SETUP)
    with Store(tmp_path / "s.db") as store:
        keep_machine(store, MACHINE)
        uid = begin_measurement(store, case, "f", "t", LIMITS)
        finish_measurement(store, uid, status)
        assert find_finished(store, case.key("f"), limits=now) == (uid if is_known else None)
