import sqlite3

import pytest

from lambda_arch.arch import parse
from lambda_arch.errors import StoreError
from lambda_arch.store import Case, Store, find_measurements
from lambda_arch.store.machines import read_machine
from lambda_arch.store.schema import APPLICATION_ID, MIGRATIONS
from tests.store.rows import SETUP, keep


def old_store(path, version):
    connection = sqlite3.connect(path)
    for script in MIGRATIONS[:version]:
        if callable(script):
            script(connection)
        else:
            connection.executescript(script)
    connection.execute("INSERT INTO machine (fingerprint, device_name, description) VALUES ('f', 'a device', '{}')")
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
