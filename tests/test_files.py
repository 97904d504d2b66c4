import stat

import pytest

from lambda_arch.reporting import atomic_write


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path):
    path = tmp_path / "a.csv"
    atomic_write(path, "old")
    path.chmod(0o640)
    atomic_write(path, "new\n")
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.csv"
    atomic_write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        atomic_write(path, "\ud800")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(OSError, match="No such file") as error:
        atomic_write(tmp_path / "none" / "a.csv", "text")
    assert error.value.filename == str(tmp_path / "none" / "a.csv")
