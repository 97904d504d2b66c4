"""Rows that other hands, or the disk, have changed: named, counted, left out, and never shown as what was measured."""

import shutil
import sqlite3
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_arch.arch import register
from lambda_arch.errors import StoreError
from lambda_arch.store import Store, check_store, find_damaged, find_measurements, merge
from lambda_arch.store.checksums import tables
from lambda_arch.store.choices import keep_choice, read_choice
from lambda_arch.store.machines import read_machine
from lambda_arch.store.parts import keep_parts, read_parts
from lambda_arch.store.peaks import keep_peaks, read_peaks
from lambda_arch.store.rounds import read_rounds
from tests.command_line import run
from tests.store.rows import SETUP, keep

LAYER = {"k": 16}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A store with rows in every table but that of runs."""
    path = tmp_path_factory.mktemp("store") / "s.db"
    with Store(path) as store:
        for batch in (1, 2, 3):
            keep(store, batch)
        keep_peaks(store, "f", 1, [{"kind": "fp32", "rate": 1e9, "detail": ""}])
        keep_parts(store, "f", SETUP, "resnet50", {"{}": [1.0, 2.0]})
        keep_choice(store, "f", LAYER, "matrix/sum", {"matrix/sum": 1.0})
    return path


@pytest.fixture
def path(original, tmp_path):
    shutil.copy(original, tmp_path / "s.db")
    return tmp_path / "s.db"


def edit(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def everything(path):
    with Store(path, read_only=True) as store:
        return {
            **{("measurement", m.uid): asdict(m) for m in find_measurements(store)},
            **{("round", uid): rounds for uid, rounds in read_rounds(store).items()},
            **{("peak", key): rate for key, rate in read_peaks(store).items()},
            **{("part", key): summary for key, summary in read_parts(store, "f", SETUP).items()},
            ("machine", "f"): read_machine(store, "f"),
            ("choice", ""): read_choice(store, "f", LAYER),
        }


def test_every_table_has_checksums_and_nothing_is_damaged(path):
    with Store(path) as store:
        names = [row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert set(names) == set(tables(store._connection)) == {*check_store(store).rows}
        assert find_damaged(store) == []


@pytest.mark.parametrize(
    "change",
    [
        "batch = 'eight'",
        "batch = 2",
        "batch = ''",
        "architecture = 'resnet51'",
        "architecture = x'ff00'",
        "status = 'fine'",
        "limits = '{'",
        "limits = 7",
        "peak_memory = 'much'",
        "started = 'x'",
        "dtype = 'fp8'",
        "key = ''",
        "median = 0.001",
    ],
)
def test_one_edited_row_is_left_out_and_named(path, change):
    with Store(path) as store:
        uid = find_measurements(store)[0].uid
    edit(path, f"UPDATE measurement SET {change} WHERE uid = '{uid}'")
    with Store(path) as store:
        assert [m.setup.batch_size for m in find_measurements(store)] == [2, 3]
        assert [(each.table, each.row) for each in find_damaged(store)] == [("measurement", uid)]
    code, out, err = run("results", "--store", path)
    assert (code, out.count("\n")) == (0, 3)
    assert f"a damaged row is left out: measurement {uid}" in err
    code, out, err = run("results", "check", "--store", path)
    assert (code, uid in out) == (1, True)


def test_a_row_that_was_written_so_but_cannot_be_read_is_left_out_too(path):
    with Store(path) as store:
        uid = find_measurements(store)[0].uid
        store.update("measurement", uid, {"status": "fine\x1b[31m"})
        assert len(find_measurements(store)) == 2
        (damaged,) = find_damaged(store)
    assert damaged.row == uid
    assert "\x1b" not in damaged.reason


def test_an_architecture_of_an_extension_that_is_not_registered_is_unknown_not_damaged(path):
    with Store(path) as store:
        store.update("measurement", find_measurements(store)[0].uid, {"architecture": "toy"})
        assert len(find_measurements(store)) == 2
    code, _, err = run("results", "--store", path)
    assert (code, err) == (0, "note: 1 left out: unknown architecture toy, whose extension is not registered\n")
    code, out, _ = run("results", "check", "--store", path, "--format", "table")
    out = " ".join(out.split())
    assert (code, "nothing is damaged" in out, "not registered: 1 of toy." in out) == (0, True, True)
    with register("tests.toy_family"):
        assert run("results", "--store", path).err == ""


def test_damaged_rows_and_what_belongs_to_them_do_not_merge(path, tmp_path):
    edit(path, "UPDATE measurement SET median = 7 WHERE batch = 1", "UPDATE peak SET rate = 1e15")
    with Store(tmp_path / "new.db") as store:
        added = merge(store, path)
        assert (added["measurement"], added["round"], added["peak"], added["skipped"]) == (2, 2, 0, 3)
        assert find_damaged(store) == []


def test_a_round_whose_measurement_is_gone_is_named(path, tmp_path):
    edit(path, "DELETE FROM measurement WHERE batch = 1")
    with Store(path) as store:
        assert [(each.table, each.reason) for each in find_damaged(store)] == [("round", "its measurement is gone")]
    with Store(tmp_path / "new.db") as store:
        assert merge(store, path)["skipped"] == 1


def test_what_is_damaged_stays_so_when_it_is_changed_and_when_the_store_is_migrated(path, monkeypatch):
    edit(path, "UPDATE measurement SET median = 7 WHERE batch = 1")
    with Store(path) as store:
        (uid,) = (each.row for each in find_damaged(store))
        store.update("measurement", uid, {"reason": "none"})
        assert len(find_damaged(store)) == 1
    from lambda_arch.store import connection

    more = (*connection.MIGRATIONS, "ALTER TABLE measurement ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")
    monkeypatch.setattr(connection, "MIGRATIONS", more)
    monkeypatch.setattr(connection, "NEWEST", len(more))
    with Store(path) as store:
        assert [each.row for each in find_damaged(store)] == [uid]
        assert [m.setup.batch_size for m in find_measurements(store)] == [2, 3]


@settings(max_examples=100)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_shown_as_truth(original, tmp_path_factory, place, bit):
    """What is read after any bit was flipped is what it was, or it is missing, or the store is refused."""
    path = tmp_path_factory.mktemp("flipped") / "s.db"
    before = everything(original)
    content = bytearray(original.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        after = everything(path)
    except StoreError:
        return
    for key, value in after.items():
        if key == ("machine", "f"):
            assert value in (before[key], {"fingerprint": "f"})
        elif key == ("choice", ""):
            assert value in (before[key], None)
        elif key[0] == "measurement":  # of one whose round is damaged, the others are there
            missing = {"machine": {"fingerprint": "f"}, "rounds": {}, "readings": ()}
            assert all(
                now in (was, missing.get(name, was))
                for (name, was), now in zip(before[key].items(), value.values(), strict=True)
            )
        else:
            assert value == before[key]
    assert [each.name for each in path.parent.iterdir()] == ["s.db"]
