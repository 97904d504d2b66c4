import os
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambda_arch.errors import StoreError
from lambda_arch.store import Store, find_measurements
from lambda_arch.store.peaks import keep_peaks
from lambda_arch.store.schema import APPLICATION_ID
from tests.command_line import run
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
    "empty": (Path.touch, "empty"),
    "a text": (lambda path: path.write_text("median,ms\n" * 100), "not a store"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_a_line_and_left_alone(tmp_path, kind):
    make, words = BAD[kind]
    path = tmp_path / "s.db"
    make(path)
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match=words) as caught:
            Store(path, read_only=read_only)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_folders_and_missing_stores_are_refused(tmp_path):
    with pytest.raises(StoreError, match="a folder"):
        Store(tmp_path)
    Store(tmp_path / "results.db").close()
    with pytest.raises(StoreError, match=r"no such store \(did you mean results.db\?\)"):
        Store(tmp_path / "result.db", create=False)
    with pytest.raises(StoreError, match=r"no such store \(did you mean results.db\?\)"):
        Store(tmp_path / "mine.db", create=False)
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


@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch, read_only):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    monkeypatch.chdir(tmp_path)
    for name, words in {"pipe": "no regular file", "link": "no regular file", ":memory:": "expected the name"}.items():
        with pytest.raises(StoreError, match=words):
            Store(name, read_only=read_only)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "pipe"]


def test_reading_makes_no_store_and_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with Store(read_only=True) as store:
        assert find_measurements(store) == []
        with pytest.raises(StoreError, match="readonly"):
            keep_peaks(store, "f", 1, [{"kind": "fp32", "rate": 1.0, "detail": ""}])
    with pytest.raises(StoreError, match="no such store"):
        Store(tmp_path / "none.db", read_only=True)
    assert list(tmp_path.iterdir()) == []
    assert run("results").code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def as_nobody():
    """Rights that are not root's, for what a test asks of the file system."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def unwritable():
    """A store in a folder that cannot be written to."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        with Store(folder / "s.db") as store:
            keep(store)
        (folder / "s.db").chmod(0o444)
        folder.chmod(0o555)
        yield folder / "s.db"
        folder.chmod(0o755)


def test_a_store_in_a_folder_that_cannot_be_written_to_is_read(unwritable, tmp_path, as_nobody):
    with Store(unwritable, read_only=True) as store:
        assert len(find_measurements(store)) == 1
    code, out, _ = run("results", "--store", unwritable)
    assert (code, out.count("\n")) == (0, 2)
    with pytest.raises(StoreError, match="readonly"), Store(unwritable) as store:
        keep(store, 2)


def test_several_processes_may_make_a_store_at_once(tmp_path):
    (tmp_path / "folder").mkdir()

    def make(_):
        with Store(tmp_path / "folder" / "s.db") as store:
            keep(store)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(8)))
    with Store(tmp_path / "folder" / "s.db") as store:
        assert len(find_measurements(store)) == 8
    assert [each.name for each in (tmp_path / "folder").iterdir()] == ["s.db"]


def test_a_file_system_without_links_can_have_a_store(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with Store(tmp_path / "s.db") as store:
        keep(store)
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


def test_a_named_store_is_created_only_where_its_folder_is(tmp_path, monkeypatch):
    with pytest.raises(StoreError, match=r"typo/x.db: no folder .*typo; expected one that exists"):
        Store(tmp_path / "typo" / "x.db")
    assert not (tmp_path / "typo").exists()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "new"))
    Store().close()  # the user's own
    assert (tmp_path / "new" / "lambda-arch" / "results.db").exists()
