import os
import random
import signal
import subprocess
import sys
import time

import pytest

from lambda_arch.errors import StoreError
from lambda_arch.store import Store, find_measurements
from lambda_arch.store.machines import keep_machine
from tests.store.rows import MACHINE, keep
from tests.waiting import HANGS

WRITER = """
import sys
from lambda_arch.arch import parse
from lambda_arch.store import Case, Setup, Status, Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, finish_measurement
from lambda_arch.store.rounds import keep_round
path, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Store(path) as store:
    keep_machine(store, {"fingerprint": "f", "device_name": "a device", "torch": "2"})
    print("open", flush=True)
    for n in range(number):
        case = Case(parse("resnet50@64"), Setup(batch_size=n + 1, threads=1))
        uid = begin_measurement(store, case, "f", f"{name}{n}", {})
        for each in (1, 2):
            keep_round(store, uid, each, [float(n), float(each)], {}, n)
            print("round", uid, each, flush=True)
        finish_measurement(store, uid, Status.OK)
        print("done", uid, flush=True)
"""


def writer(path, name, number):
    command = [sys.executable, "-c", WRITER, str(path), name, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_nothing_that_was_kept_is_lost(tmp_path, seed):
    path = tmp_path / "s.db"
    process = writer(path, "a", 10_000)
    process.stdout.readline()
    time.sleep(random.Random(seed).uniform(0, 0.25))
    os.kill(process.pid, signal.SIGKILL)
    said = [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    with Store(path) as store:
        found = {m.uid: m for m in find_measurements(store)}
        for word, uid, *rest in said:
            if word == "round":
                assert int(rest[0]) in found[uid].rounds
            else:
                assert found[uid].status == "ok"
                assert len(found[uid].samples) == 4
        assert sum(m.status == "running" for m in found.values()) <= 1
        keep(store)  # and it goes on


@pytest.mark.slow
def test_killed_while_it_is_made(tmp_path):
    for seed in range(4):
        path = tmp_path / f"{seed}.db"
        process = writer(path, "a", 1)
        while not path.exists() and process.poll() is None:
            pass
        time.sleep(seed * 0.002)
        process.kill()
        process.wait()
        with Store(path) as store:
            keep(store)
            assert find_measurements(store)


def test_two_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "s.db"
    processes = [writer(path, name, 40) for name in "ab"]
    for process in processes:
        process.communicate(timeout=HANGS)
        assert process.returncode == 0
    with Store(path) as store:
        found = find_measurements(store)
    assert len(found) == 80
    assert all(m.status == "ok" and len(m.rounds) == 2 for m in found)
    assert {m.session for m in found} == {f"{name}{n}" for name in "ab" for n in range(40)}


def test_a_failed_transaction_leaves_nothing(tmp_path):
    with Store(tmp_path / "s.db") as store:
        uid = keep(store)
        with pytest.raises(StoreError), store.transaction():
            keep_machine(store, {**MACHINE, "fingerprint": "h"})
            store.insert("round", {"measurement": uid, "number": 1, "seconds": "[]", "readings": "{}"})
        assert store.rows("SELECT count(*) AS n FROM machine") == [{"n": 1}]
