import sqlite3

import pytest

from lambda_arch.errors import StoreError
from lambda_arch.store import Store, find_measurements
from lambda_arch.store.schema import APPLICATION_ID
from tests.store.rows import keep


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
