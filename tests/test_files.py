import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lambda_arch.files import atomic_files, atomic_write
from tests.waiting import HANGS


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path):
    path = tmp_path / "a.csv"
    atomic_write(path, "old")
    path.chmod(0o640)
    atomic_write(path, "new\n")
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_a_new_file_has_the_mode_that_the_user_asks_for(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "a.csv", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o640


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


def test_a_folder_is_named_as_one(tmp_path):
    with pytest.raises(OSError, match="a folder"):
        atomic_write(tmp_path, "text")


@pytest.mark.parametrize("length", [1, 255])
def test_names_of_every_length_can_be_written(tmp_path, length):
    path = tmp_path / ("a" * length)
    atomic_write(path, "text")
    assert path.read_text() == "text"


@pytest.mark.parametrize("dangling", [False, True])
def test_a_symbolic_link_stays_one_and_its_target_is_written(tmp_path, dangling):
    target, link = tmp_path / "folder" / "target.csv", tmp_path / "link.csv"
    target.parent.mkdir()
    if not dangling:
        target.write_text("old")
    link.symlink_to("folder/target.csv")
    atomic_write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_named_pipe_is_written_into(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    atomic_write(pipe, "text")
    reader.join(HANGS)
    assert got == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_named_pipe_whose_reader_leaves_is_an_error(tmp_path, run_cli):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def leave():
        with pipe.open("rb") as file:
            file.read(1)

    reader = threading.Thread(target=leave, daemon=True)
    reader.start()
    code, out, err = run_cli("show", "lambda_resnet420", "--format", "json", "--out", pipe)  # more than a pipe holds
    reader.join(HANGS)
    assert (code, out) == (2, "")
    assert err == f"lambda-arch: {pipe}: its reader left before the end; expected one that reads it all\n"


def test_a_device_is_written_into_and_stays_one(tmp_path):
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    atomic_write(link, "text")
    assert link.is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no /dev/stdout here")
@pytest.mark.parametrize("piped", [True, False])
def test_standard_output_is_added_to_under_its_name(tmp_path, piped):
    script = "from pathlib import Path; from lambda_arch.files import atomic_write as w; w(Path('/dev/stdout'), 'new')"
    log = tmp_path / "log"
    log.write_text("old ")
    with log.open("a") as file:
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE if piped else file, check=True)
    assert (done.stdout, log.read_text()) == ((b"new", "old ") if piped else (None, "old new"))


def test_a_command_that_is_terminated_while_it_writes_leaves_no_other_file(tmp_path):
    """Its file system is made to stand still between the writing and the renaming."""
    script = (
        "import os, sys, time\nfrom lambda_arch import files\nfrom lambda_arch.cli.main import main\n"
        "def stand_still(handle):\n    print('here', flush=True)\n    time.sleep(60)\n"
        "files.os.fsync = stand_still\nsys.exit(main())\n"
    )
    arguments = ["params", "resnet50", "--out", str(tmp_path / "a.csv")]
    with subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        assert list(tmp_path.iterdir())
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANGS) == 143
    assert not list(tmp_path.iterdir())


def test_files_that_belong_together_appear_together(tmp_path):
    target = tmp_path / "net.onnx"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_files(target) as temporary:
        temporary.write_text("new")
        temporary.with_name("net.onnx.data").write_text("tensors")
        raise RuntimeError
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"net.onnx": "old"}
    with atomic_files(target) as temporary:
        temporary.write_text("new")
        temporary.with_name("net.onnx.data").write_text("tensors")
        assert target.read_text() == "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "net.onnx": "new",
        "net.onnx.data": "tensors",
    }
    with pytest.raises(IsADirectoryError), atomic_files(tmp_path):
        pass
    with pytest.raises(FileNotFoundError, match="nowhere"), atomic_files(tmp_path / "nowhere" / "net.onnx"):
        pass
