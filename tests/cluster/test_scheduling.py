"""The scheduler with a Ray that carries everything out at once, in this process."""

import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from lambda_arch.cluster.scheduling import Scheduler
from lambda_arch.errors import SetupError
from lambda_arch.store import Store, find_measurements
from lambda_arch.store.machines import keep_machine
from tests.cluster.driver import MACHINE, NODE, Pretended

LATE = {"fingerprint": "late", "device_name": "another device", "torch": "2"}


class RayHere:
    """A cluster of the nodes ``here`` and ``late``, the second of which comes after the first look.

    Tasks run on ``places``, in turns; the answers of the tasks whose numbers are in ``lost`` never come.
    """

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self, places=("here",), lost=()):
        self.results, self.places, self.lost = [], iter(places), lost
        self.tasks = count()

    def nodes(self):
        return [{"NodeID": "here", "NodeManagerHostname": "here", "Alive": True, "Resources": {"CPU": 1}}]

    def get_runtime_context(self):
        return SimpleNamespace(get_node_id=lambda: next(self.places, "here"))

    def remote(self, **_):
        def task(function):
            def remote(*arguments, **named):
                result = function(*arguments, **named)
                if function.__name__ == "carry_out" and next(self.tasks) in self.lost:
                    result = RuntimeError("lost")
                self.results.append(result)
                return len(self.results) - 1

            return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=remote))

        return task

    def put(self, value):
        return value

    def wait(self, tasks, timeout, num_returns=1):
        return tasks, []

    def get(self, task):
        if isinstance(self.results[task], RuntimeError):
            raise self.results[task]
        return self.results[task]


@dataclass(frozen=True)
class OfLate(Pretended):
    """A work that the node which came later does first, with its other device."""

    def fingerprint(self, store):
        begun = self.begun()
        return keep_machine(store, LATE if begun == 1 else MACHINE)

    def begun(self):
        log = Path(self.log)
        return log.read_text().count("begin") if log.exists() else 0


@pytest.fixture
def schedule(tmp_path, monkeypatch):
    """Return a function that carries works out by a pretended Ray, and what was noted."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # the cores are not shared with other tests
    monkeypatch.setenv("LAMBDA_ARCH_NODE_FOLDER", str(tmp_path / "node"))
    monkeypatch.setenv(NODE, "here")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    strategies = ModuleType("ray.util.scheduling_strategies")
    strategies.NodeAffinitySchedulingStrategy = lambda node, soft: node
    monkeypatch.setitem(sys.modules, "ray.util", ModuleType("ray.util"))
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)
    notes = []

    def carry_out(ray, works, alike=""):
        monkeypatch.setitem(sys.modules, "ray", ray)
        with Store(tmp_path / "s.db") as store:
            return Scheduler(ray, works, store, "", alike, lambda now: notes.append(now.note)).run()

    return carry_out, notes


def log_of(tmp_path):
    return [line.split()[:2] for line in (tmp_path / "log").read_text().splitlines()]


def test_an_answer_that_is_lost_on_its_way_is_gathered_at_the_end(schedule, tmp_path):
    carry_out, _ = schedule
    works = [Pretended(number, str(tmp_path / "log"), 0.0) for number in range(3)]
    carried = carry_out(RayHere(lost=[1]), works)
    carried.check()
    assert set(carried.uids) == {"0", "1", "2"}
    assert len(log_of(tmp_path)) == 6  # begun and ended once
    with Store(tmp_path / "s.db") as store:
        assert sorted(m.setup.batch_size for m in find_measurements(store)) == [1, 2, 3]


def test_what_a_later_node_measured_on_another_device_is_measured_again(schedule, tmp_path):
    carry_out, notes = schedule
    carried = carry_out(RayHere(places=["late"]), [OfLate(0, str(tmp_path / "log"), 0.0)], alike="device")
    carried.check()
    assert log_of(tmp_path) == [["begin", "0"], ["end", "0"]] * 2
    assert [note for note in notes if note] == ["left out: late: came later, and has another device: another device"]
    with Store(tmp_path / "s.db") as store:
        devices = {m.uid: m.machine["device_name"] for m in find_measurements(store)}
    (uid,) = carried.uids["0"]
    assert devices[uid] == "a device" and sorted(devices.values()) == ["a device", "another device"]


def test_a_work_that_fails_is_named_and_the_others_are_kept(schedule, tmp_path):
    class Failing(Pretended):
        def run(self, store):
            raise SetupError("it cannot be done")

    carry_out, _ = schedule
    log = str(tmp_path / "log")
    carried = carry_out(RayHere(), [Failing(0, log, 0.0), Pretended(1, log, 0.0)])
    assert set(carried.uids) == {"1"}
    with pytest.raises(SetupError, match="work 0: it cannot be done; what was finished is kept"):
        carried.check()
