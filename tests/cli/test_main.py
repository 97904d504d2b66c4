"""What main makes of errors, signals and files that are read and written at once."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_arch.cli import costs
from lambda_arch.cli.main import main
from lambda_arch.errors import LambdaArchError
from tests.command_line import MODULE, run


def fail_with(patch, error):
    def fail(architecture, **_):
        raise error

    patch.setattr(costs, "count", fail)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "not enough memory"),
        (MemoryError("712 TiB"), "not enough memory for this (712 TiB)"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (OverflowError("int too large to convert to float"), "a number too large"),
        (LambdaArchError("a\n  line"), "a line"),
        (OSError(28, "No space left", "file"), "file: No space left"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_limit_refuses_is_one_line_with_exit_code_2(error, says, monkeypatch):
    fail_with(monkeypatch, error)
    code, out, err = run("params", "resnet50")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"lambda-arch: {says}")


def test_a_mistake_of_ours_is_one_line_that_says_where_its_traceback_is(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fail_with(monkeypatch, KeyError("\x1b]0;title\x07" + 500 * "x"))
    assert main(["params", "resnet50"]) == 70
    err = capsys.readouterr().err
    (written,) = tmp_path.iterdir()
    assert str(written) in err
    assert (err.count("\n"), "\x1b" in err, len(err) < 300) == (1, False, True)
    assert "Traceback" in written.read_text()
    assert "KeyError" in written.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_commands_are_imported_is_no_traceback(number):
    """The signal comes from the import itself: of typer, before there is a main, or of the command's module."""
    script = (
        "import os, runpy, sys\nclass Finder:\n  def find_spec(self, name, *_):\n"
        f"    if name == '{{at}}': os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Finder())\nsys.argv[1:] = ['params']\n"
        "runpy.run_module('lambda_arch', run_name='__main__')\n"
    )
    for at in ("typer", "lambda_arch.cli.costs")[number == signal.SIGTERM :]:
        done = subprocess.run(
            [sys.executable, "-c", script.replace("{at}", at)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (128 + number, "")


def test_handlers_of_the_program_that_runs_us_stay():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("ours"))
    try:
        assert main(["list", "--out", os.devnull]) == 0
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == ["ours"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("pareto", "FILE", "--minimize", "macs", "--out", "FILE"),
        ("pareto", "FILE", "--minimize", "macs", "--plot", "FILE"),
        ("pareto", "FILE", "--minimize", "macs", "--out", "LINK"),
        ("search", "--space", "FILE", "--out", "FILE"),
        ("search", "--accuracy", "FILE", "--out", "FILE"),
        ("search", "--function", "FILE:f", "--out", "FILE"),
        ("convert", "FILE", "--from", "timm", "--to", "FILE"),
        ("params", "FILE", "--out", "FILE"),
        ("time", "--store", "FILE", "--out", "FILE"),
        ("results", "--store", "FILE", "--out", "FILE"),
        ("results", "export", "FILE", "--store", "FILE"),
    ],
    ids=" ".join,
)
def test_what_is_read_is_not_written(arguments, tmp_path):
    path, link = tmp_path / "a.safetensors", tmp_path / "link.csv"
    path.write_text("macs\n1\n")
    link.symlink_to(path)
    code, out, err = run(*({"FILE": path, "LINK": link, "FILE:f": f"{path}:f"}.get(word, word) for word in arguments))
    assert (code, out) == (2, "")
    assert "expected another file to write" in err
    assert path.read_text() == "macs\n1\n"


def test_the_users_own_store_is_not_written_over():
    from lambda_arch.store import default_path

    code, _, err = run("params", "--out", default_path())
    assert (code, "is --store too" in err or "is store too" in err) == (2, True)


def test_a_word_that_no_file_can_be_called_is_no_file(tmp_path):
    name = "lambda_resnet50:" + ",".join(f"c4.{i}.k=8" for i in range(1, 7)) + " " * 300
    (tmp_path / "a.csv").touch()
    assert run("params", name, "--out", tmp_path / "a.csv").code == 0


def test_two_files_to_write_are_two(tmp_path):
    path: Path = tmp_path / "a.html"
    path.touch()
    code, _, err = run("search", "--plot", path, "--out", path)
    assert (code, "expected another file" in err) == (2, True)


def test_a_command_started_as_a_module_says_its_version():
    assert subprocess.run([*MODULE, "--version"], capture_output=True, check=True).stdout.startswith(b"lambda-arch")


def test_a_stream_that_cannot_encode_a_character_gets_its_escape(monkeypatch, tmp_path):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert main(["params", "lambda_resnet50", "--format", "md"]) == 0
    sys.stdout.flush()
    assert b"\\xb11 differs by one digit" in written.getvalue()
    (tmp_path / "t.csv").write_text("name,cost\nλ,1\n", "utf-8")
    written.seek(0)
    written.truncate()
    assert main(["pareto", str(tmp_path / "t.csv"), "--minimize", "cost", "--format", "json"]) == 0
    sys.stdout.flush()
    assert json.loads(written.getvalue())[0]["name"] == "λ"
