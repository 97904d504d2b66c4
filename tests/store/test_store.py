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
from lambda_arch.store import Case, Setup, Status, Store, find_measurements, merge
from lambda_arch.store.conditions import select
from lambda_arch.store.machines import keep_machine, read_machine
from lambda_arch.store.measurements import begin_measurement, find_largest_batch_size, finish_measurement
from lambda_arch.store.rounds import keep_round
from lambda_arch.store.schema import APPLICATION_ID, MIGRATIONS

SETUP = Setup(threads=1)
MACHINE = {"fingerprint": "f", "device_name": "a device", "torch": "2"}

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
        for turn in (1, 2):
            keep_round(store, uid, turn, [float(n), float(turn)], {}, n)
            print("round", uid, turn, flush=True)
        finish_measurement(store, uid, Status.OK)
        print("done", uid, flush=True)
"""


def keep(store, batch=1, samples=(1.0, 2.0), machine="f", status=Status.OK):
    keep_machine(store, {**MACHINE, "fingerprint": machine})
    uid = begin_measurement(store, Case(parse("resnet50@64"), Setup(batch_size=batch, threads=1)), machine, "t", {})
    keep_round(store, uid, 1, samples, {"others": 0.5}, 7)
    finish_measurement(store, uid, status)
    return uid


def writer(path, name, number):
    command = [sys.executable, "-c", WRITER, str(path), name, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


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
            assert find_measurements(store)


def test_two_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "s.db"
    processes = [writer(path, name, 40) for name in "ab"]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    with Store(path) as store:
        found = find_measurements(store)
    assert len(found) == 80
    assert all(m.status == "ok" and len(m.rounds) == 2 for m in found)
    assert {m.session for m in found} == {f"{name}{n}" for name in "ab" for n in range(40)}


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
        assert store.rows("SELECT * FROM part") == store.rows("SELECT * FROM peak") == []
        assert store.rows("PRAGMA user_version") == [{"user_version": len(MIGRATIONS)}]


def test_measurements_made_before_evaluations_were_a_setting_were_canonical(tmp_path):
    path = tmp_path / "s.db"
    old_store(path, 3)
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO measurement VALUES ('u', 'c', 't', 'resnet50@64', 64, 'cpu', 1, 'fp32', 'autocast', 'contiguous', "
        "'inference', 0, 0, 1, 'wall', 0, 'f', '2026', 'ok', '', '{}', '{}', 7, 1.0, 1.0, 1.0, 1)",
    )
    connection.commit()
    connection.close()
    with Store(path) as store:
        (found,) = find_measurements(store)
    assert found.setup == SETUP
    assert found.key == Case(parse("resnet50@64"), SETUP).key("f")


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


def truncated(path):
    with Store(path) as store:
        keep(store)
    path.write_bytes(path.read_bytes()[: 5 * 4096])


def without_its_tables(path):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("CREATE TABLE machine (a)")
    connection.commit()
    connection.close()


BAD = {
    "truncated": (truncated, "damaged"),
    "a table of ours by others": (without_its_tables, "cannot be used"),
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
    Store(tmp_path / "results.db").close()
    with pytest.raises(StoreError, match=r"no such store \(did you mean results.db\?\)"):
        Store(tmp_path / "result.db", create=False)
    assert not (tmp_path / "result.db").exists()


@pytest.mark.parametrize("name", ["a" * 300, "file/s.db", "null\0.db"])
@pytest.mark.parametrize("create", [True, False])
def test_names_that_no_file_can_have_are_a_store_error(tmp_path, name, create):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        Store(f"{tmp_path}/{name}", create=create)


def test_a_closed_store_says_so_and_is_not_called_damaged(tmp_path):
    store = Store(tmp_path / "s.db")
    store.close()
    with pytest.raises(StoreError, match=r"cannot be used .*closed"):
        find_measurements(store)


def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    old_store(path, 5)
    before = path.read_bytes()

    def fails(connection):
        connection.execute("DELETE FROM machine")
        raise sqlite3.OperationalError("no more space")

    monkeypatch.setattr("lambda_arch.store.connection.MIGRATIONS", (*MIGRATIONS[:5], fails))
    with pytest.raises(StoreError, match="no more space"):
        Store(path)
    assert path.read_bytes() == before
    monkeypatch.undo()
    with Store(path) as store:
        assert read_machine(store, "f")["fingerprint"] == "f"


def test_merging_adds_what_is_new_once_and_completes_what_had_begun(tmp_path):
    with Store(tmp_path / "a.db") as a, Store(tmp_path / "b.db") as b:
        keep(a, 1)
        keep(b, 2, machine="g")
        keep_machine(b, MACHINE)
        began = begin_measurement(b, Case(parse("resnet50"), SETUP), "f", "t", {})
        assert merge(a, tmp_path / "b.db")["measurement"] == 2
        assert {m.status for m in find_measurements(a)} == {"ok", "running"}
        keep_round(b, began, 1, [3.0], {}, 1)
        finish_measurement(b, began, Status.OK)
        assert {table: n for table, n in merge(a, tmp_path / "b.db").items() if n} == {"round": 1}
        by_uid = {m.uid: m for m in find_measurements(a)}
        assert by_uid[began].samples == [3.0]
        assert by_uid[began].status == "ok"
        assert sum(merge(a, tmp_path / "b.db").values()) == 0
        assert len(find_measurements(b)) == 2


def test_merging_a_bad_store_changes_nothing(tmp_path):
    (tmp_path / "bad.db").write_text("nothing of the kind")
    with Store(tmp_path / "a.db") as store:
        keep(store)
        with pytest.raises(StoreError, match="not a store"):
            merge(store, tmp_path / "bad.db")
        with pytest.raises(ValueError, match="the store itself"):
            merge(store, tmp_path / "a.db")
        assert len(find_measurements(store)) == 1


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


def test_a_failed_transaction_leaves_nothing(tmp_path):
    with Store(tmp_path / "s.db") as store:
        uid = keep(store)
        with pytest.raises(StoreError), store.transaction():
            keep_machine(store, {**MACHINE, "fingerprint": "h"})
            store.insert("round", {"measurement": uid, "number": 1, "seconds": "[]", "readings": "{}"})
        assert store.rows("SELECT count(*) AS n FROM machine") == [{"n": 1}]
