import shutil
import threading
from pathlib import Path

import pytest

from lambda_arch.arch import parse
from lambda_arch.errors import StoreError
from lambda_arch.store import Case, Status, Store, find_damaged, find_measurements, merge
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import begin_measurement, finish_measurement
from lambda_arch.store.rounds import keep_round
from tests.store.rows import MACHINE, SETUP, keep
from tests.waiting import HANGS


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


def test_a_source_is_left_as_it_is_also_when_it_is_older(tmp_path):
    old = tmp_path / "old.db"
    shutil.copy(Path(__file__).parent / "fixtures" / "schema_5.db", old)
    before = old.read_bytes()
    with Store(tmp_path / "a.db") as store:
        assert merge(store, old)["measurement"]
    assert old.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.db", "old.db"]


def test_a_source_that_is_being_written_to_merges(tmp_path):
    """Measurements and their rounds are added all the while: none is without the row that it refers to."""
    path, stop, kept = tmp_path / "b.db", threading.Event(), threading.Semaphore(0)
    Store(path).close()

    def write():
        with Store(path) as store:
            number = 0
            while not stop.is_set():
                number += 1
                keep(store, number, machine=f"f{number}")
                kept.release()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with Store(tmp_path / "a.db") as store:
            added = [merge(store, path) for _ in range(10) if kept.acquire(timeout=HANGS)]
            assert find_damaged(store) == []
    finally:
        stop.set()
        writer.join()
    assert sum(each["skipped"] for each in added) == 0
    assert sum(each["measurement"] for each in added) > 1
