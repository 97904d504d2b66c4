import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from lambda_arch.arch import parse
from lambda_arch.errors import StoreError
from lambda_arch.timing import Cell, Limits, Setup, Store, measurements
from lambda_arch.timing.exchange import merge, select
from lambda_arch.timing.measure import known_batch
from lambda_arch.timing.records import begin, finish, keep_machine, keep_round
from lambda_arch.timing.schema import APPLICATION_ID, MIGRATIONS

SETUP = Setup(threads=1)
MACHINE = {"fingerprint": "f", "device_name": "a device", "torch": "2"}

WRITER = """
import sys
from lambda_arch.arch import parse
from lambda_arch.timing import Cell, Limits, Setup, Store
from lambda_arch.timing.records import begin, finish, keep_machine, keep_round
path, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Store(path) as store:
    keep_machine(store, {"fingerprint": "f", "device_name": "a device", "torch": "2"})
    print("open", flush=True)
    for n in range(number):
        uid = begin(store, Cell(parse("resnet50@64"), Setup(batch=n + 1, threads=1)), "f", f"{name}{n}", Limits())
        for turn in (1, 2):
            keep_round(store, uid, turn, {"samples": [float(n), float(turn)], "readings": {}, "peak_memory": n})
            print("round", uid, turn, flush=True)
        finish(store, uid, "ok", "")
        print("done", uid, flush=True)
"""


def keep(store, batch=1, samples=(1.0, 2.0), machine="f", status="ok"):
    keep_machine(store, {**MACHINE, "fingerprint": machine})
    uid = begin(store, Cell(parse("resnet50@64"), Setup(batch=batch, threads=1)), machine, "t", Limits())
    keep_round(store, uid, 1, {"samples": list(samples), "readings": {"others": 0.5}, "peak_memory": 7})
    finish(store, uid, status, "")
    return uid


def writer(path, name, number):
    command = [sys.executable, "-c", WRITER, str(path), name, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_is_kept_comes_back(tmp_path):
    with Store(tmp_path / "s.db") as store:
        uid = keep(store, batch=3)
    with Store(tmp_path / "s.db") as store:
        (found,) = measurements(store)
    assert (found.uid, found.setup, found.status) == (uid, Setup(batch=3, threads=1), "ok")
    assert found.rounds == {1: [1.0, 2.0]}
    assert found.summary.median == 1.5
    assert found.machine["device_name"] == "a device"
    assert found.throughput == 2.0
    assert any("others used about 50%" in text for text in found.warnings)


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
        found = {m.uid: m for m in measurements(store)}
        for word, uid, *turn in said:
            if word == "round":
                assert int(turn[0]) in found[uid].rounds
            else:
                assert found[uid].status == "ok"
                assert len(found[uid].samples) == 4
        assert sum(m.status == "running" for m in found.values()) <= 1
        keep(store)  # and it goes on


def test_killed_while_it_is_made(tmp_path):
    for seed in range(4):
        path = tmp_path / f"{seed}.db"
        process = writer(path, "a", 1)
        deadline = time.monotonic() + 20
        while not path.exists() and process.poll() is None and time.monotonic() < deadline:
            pass
        time.sleep(seed * 0.002)
        process.kill()
        process.wait()
        with Store(path) as store:
            keep(store)
            assert measurements(store)


def test_two_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "s.db"
    processes = [writer(path, name, 40) for name in "ab"]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    with Store(path) as store:
        found = measurements(store)
    assert len(found) == 80
    assert all(m.status == "ok" and len(m.rounds) == 2 for m in found)
    assert {m.turns for m in found} == {f"{name}{n}" for name in "ab" for n in range(40)}


def test_a_largest_batch_is_known_under_its_memory_limit_alone(tmp_path):
    with Store(tmp_path / "s.db") as store:
        keep_machine(store, MACHINE)
        cell, limit = Cell(parse("resnet50@64"), SETUP, auto=True), Limits(memory=10**9)
        uid = begin(store, replace(cell, setup=replace(SETUP, batch=48)), "f", "t", limit)
        assert known_batch(store, cell, limit, "f") == 0  # not measured yet
        keep_round(store, uid, 1, {"samples": [1.0], "readings": {}, "peak_memory": 1})
        finish(store, uid, "ok", "")
        assert known_batch(store, cell, limit, "f") == 48
        assert known_batch(store, cell, Limits(), "f") == 0
        assert known_batch(store, cell, limit, "g") == 0


def old_store(path, version):
    connection = sqlite3.connect(path)
    for script in MIGRATIONS[:version]:
        connection.executescript(script)
    connection.execute("INSERT INTO machine VALUES ('f', 'a device', '{}')")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_older_stores_are_migrated_and_keep_their_rows(tmp_path, version):
    old_store(tmp_path / "s.db", version)
    with Store(tmp_path / "s.db") as store:
        assert store.rows("SELECT fingerprint FROM machine") == [{"fingerprint": "f"}]
        keep(store)
        assert store.rows("SELECT * FROM part") == store.rows("SELECT * FROM ceiling") == []
        assert store.rows("PRAGMA user_version") == [{"user_version": len(MIGRATIONS)}]


def test_measurements_made_before_evaluations_were_a_setting_were_canonical(tmp_path):
    path = tmp_path / "s.db"
    old_store(path, 3)
    cell = Cell(parse("resnet50@64"), SETUP)
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO measurement VALUES ('u', ?, 't', 'resnet50@64', 64, 'cpu', 1, 'fp32', 'autocast', 'contiguous', "
        "'inference', 0, 0, 1, 'wall', 0, 'f', '2026', 'ok', '', '{}', '{}', 7, 1.0, 1.0, 1.0, 1)",
        [cell.key("f")],
    )
    connection.commit()
    connection.close()
    with Store(path) as store:
        (found,) = measurements(store)
    assert found.setup == SETUP
    assert found.cell == cell.key("f")


def damaged(path):
    with Store(path) as store:
        for batch in range(1, 40):
            keep(store, batch, samples=[0.1] * 200)
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 2] = bytes(len(content) // 2 - 4096)
    path.write_bytes(content)


def newer(path):
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def of_something_else(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.commit()
    connection.close()


def cut_off(path):
    Store(path).close()
    path.write_bytes(path.read_bytes()[:60])


BAD = {
    "damaged": (damaged, "damaged"),
    "cut off": (cut_off, "damaged"),
    "newer": (newer, "newer version"),
    "another database": (of_something_else, "not a store"),
    "a text": (lambda path: path.write_text("median,ms\n" * 100), "not a store"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_a_line_and_left_alone(tmp_path, kind):
    make, words = BAD[kind]
    path = tmp_path / "s.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=words) as caught:
        Store(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_folders_and_missing_stores_are_refused(tmp_path):
    with pytest.raises(StoreError, match="a folder"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="no such store"):
        Store(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()


def test_merging_adds_what_is_new_once_and_completes_what_had_begun(tmp_path):
    with Store(tmp_path / "a.db") as a, Store(tmp_path / "b.db") as b:
        keep(a, 1)
        keep(b, 2, machine="g")
        keep_machine(b, MACHINE)
        began = begin(b, Cell(parse("resnet50"), SETUP), "f", "t", Limits())
        assert merge(a, tmp_path / "b.db")["measurement"] == 2
        assert {m.status for m in measurements(a)} == {"ok", "running"}
        keep_round(b, began, 1, {"samples": [3.0], "readings": {}, "peak_memory": 1})
        finish(b, began, "ok", "")
        assert {table: n for table, n in merge(a, tmp_path / "b.db").items() if n} == {"round": 1}
        by_uid = {m.uid: m for m in measurements(a)}
        assert by_uid[began].samples == [3.0]
        assert by_uid[began].status == "ok"
        assert sum(merge(a, tmp_path / "b.db").values()) == 0
        assert len(measurements(b)) == 2


def test_merging_a_bad_store_changes_nothing(tmp_path):
    (tmp_path / "bad.db").write_text("nothing of the kind")
    with Store(tmp_path / "a.db") as store:
        keep(store)
        with pytest.raises(StoreError, match="not a store"):
            merge(store, tmp_path / "bad.db")
        with pytest.raises(ValueError, match="the store itself"):
            merge(store, tmp_path / "a.db")
        assert len(measurements(store)) == 1


def test_selecting_by_conditions(tmp_path):
    with Store(tmp_path / "s.db") as store:
        for batch in (1, 8, 16):
            keep(store, batch)
        found = measurements(store)
    assert [m.setup.batch for m in select(found, ["batch=8"])] == [8]
    assert len(select(found, ["architecture=RES*", "compile=no"])) == 3
    assert select(found, ["architecture=lambda*"]) == []
    with pytest.raises(ValueError, match="did you mean batch"):
        select(found, ["batsh=8"])
    with pytest.raises(ValueError, match="name=value"):
        select(found, ["batch"])


def test_a_failed_transaction_leaves_nothing(tmp_path):
    with Store(tmp_path / "s.db") as store:
        uid = keep(store)
        with pytest.raises(StoreError), store.transaction():
            keep_machine(store, {**MACHINE, "fingerprint": "h"})
            store.insert("round", {"measurement": uid, "number": 1, "seconds": "[]", "readings": "{}"})
        assert store.rows("SELECT count(*) AS n FROM machine") == [{"n": 1}]
