"""Where reports go: what cannot be written is refused before any work."""

import pytest

from tests.command_line import run


@pytest.mark.parametrize("name", ["x.xlsx", "x.pdf", "x.yaml"])
def test_an_ending_that_says_no_format_is_refused_before_the_work(workers, tmp_path, name):
    done = run("time", "resnet18@32", "--out", tmp_path / name, "--store", tmp_path / "s.db")
    assert done.code == 2
    assert "expected a name that ends in .csv, .json, .md, .tex or .txt, or --format NAME" in done.err
    assert workers.started == 0
    assert not (tmp_path / name).exists()
    assert run("params", "--format", "csv", "--out", tmp_path / name).code == 0


def test_a_folder_that_is_not_there_is_refused_before_the_work(workers, tmp_path):
    done = run("time", "resnet18@32", "--out", tmp_path / "no" / "x.csv", "--store", tmp_path / "s.db")
    assert (done.code, workers.started) == (2, 0)
    assert "No such file or directory" in done.err


def test_a_dash_is_stdout(tmp_path):
    assert run("params", "--out", "-", cwd=tmp_path).out == run("params").out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flag", ["--out", "--store"])
def test_an_empty_name_is_refused_as_it_was_given(tmp_path, flag):
    done = run("time", "resnet18@32", flag, "", cwd=tmp_path)
    assert (done.code, done.err) == (2, f"lambda-arch: {flag} '': expected the name of a file\n")


def test_a_folder_is_not_taken_for_an_argument(tmp_path):
    done = run("params", "resnet18@32", "--out", ".", cwd=tmp_path)
    assert (done.code, done.err) == (2, "lambda-arch: --out .: a folder; expected the name of a file\n")
