"""Whatever is typed or in a file: a result, or one line on stderr and exit code 2; nothing is half-written."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.command_line import Result, run
from tests.fuzzing import NUMBERS, ODDITIES, SIGNS, WORDS, in_bytes, names, table, toml
from tests.searching.test_fuzzing import RESULTS, RUNS, SPACE

few = settings(max_examples=40)
arguments = st.sampled_from(
    (*NUMBERS, *ODDITIES, *WORDS, *SIGNS, "-", "--", "--k", "--format", "--help", "resnet18@32")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzing")


def check(result: Result, folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} <= {"input", "input.toml", "input.csv"}
    if result.code:
        assert (result.code, result.out) == (2, "")
        lines = [line for line in result.err.splitlines() if not line.startswith("note:")]
        assert len(lines) == 1, result.err
    else:
        assert result.out


@given(name=names(), format_=st.sampled_from(["csv", "json", "table", "md", "latex"]))
@settings(max_examples=80)
@example(name="\0", format_="csv")
@example(name="lambda_resnet50:k=\udcff", format_="csv")
@example(name="lambda_resnet50:k=" + "9" * 18, format_="table")
def test_names(folder: Path, name: str, format_: str) -> None:
    check(run("params", "--format", format_, "--", name, cwd=folder), folder)


@given(st.sampled_from(["params", "tables", "match", "results", "pareto"]), st.lists(arguments, max_size=3))
@few
def test_arguments(folder: Path, command: str, words: list[str]) -> None:
    check(run(command, *words, cwd=folder), folder)


@given(content=toml('name = "lambda_resnet18"\nk = 8\n[c4.2]\nm = 7'))
@few
def test_architecture_files(folder: Path, content: bytes) -> None:
    (folder / "input.toml").write_bytes(content)
    check(run("show", "input.toml", "--format", "csv", cwd=folder), folder)


@given(content=toml(SPACE))
@few
def test_spaces(folder: Path, content: bytes) -> None:
    (folder / "input.toml").write_bytes(content)
    check(run("search", "--space", "input.toml", "--format", "csv", cwd=folder), folder)


@given(content=table(RUNS))
@few
def test_training_runs(folder: Path, content: bytes) -> None:
    (folder / "input.csv").write_bytes(content)
    check(run("search", "--space", "stages", "--accuracy", "input.csv", "--format", "csv", cwd=folder), folder)


@given(content=table(RESULTS))
@few
def test_fronts_of_tables(folder: Path, content: bytes) -> None:
    (folder / "input.csv").write_bytes(content)
    result = run("pareto", "input.csv", "--minimize", "ms", "--maximize", "top1", "--out", "front.csv", cwd=folder)
    if result.code:
        check(result, folder)
    else:
        assert len((folder / "front.csv").read_text("utf-8").splitlines()) > 1
        (folder / "front.csv").unlink()


@given(content=in_bytes("SQLite format 3\0 and more") | st.binary(max_size=200))
@few
def test_files_that_are_no_store(folder: Path, content: bytes) -> None:
    (folder / "input").write_bytes(content)
    check(run("results", "--store", "input", cwd=folder), folder)
    assert (folder / "input").read_bytes() == content
