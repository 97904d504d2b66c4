"""Whatever is in a user's file is read, or refused by an error of ours that names the file."""

from pathlib import Path

import pytest
from hypothesis import example, given

from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.space_file import read_space
from lambda_arch.searching.table_front import table_front
from lambda_arch.searching.training_runs import read_runs
from tests.fuzzing import table, toml

SPACE = (
    'about = "A space."\ndepth = 18\nimage_size = [64]\nper = "stage"\nk = [4, 8]\n[c4]\nm = [7, 23]\n["c5"]\nse = 0.25'
)
RUNS = "architecture,top1,note\nlambda_resnet50,78.4,a\nresnet50,76.9%,b\nresnet101@256,0,"
RESULTS = 'name,ms,top1\na,3,77\nb,"1,000",76%\nc,OOM,80\nd,-1.5e3,75'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzing")


@given(content=toml(SPACE))
@example(content=b"k = " + b"9" * 5000)
@example(content=b"k = " + b"[" * 5000)
def test_spaces(folder: Path, content: bytes) -> None:
    path = folder / "space.toml"
    path.write_bytes(content)
    try:
        space = read_space(str(path))
    except LambdaArchError as error:
        assert str(error).startswith(str(path))
    else:
        assert space.size > 0


@given(content=table(RUNS))
def test_training_runs(folder: Path, content: bytes) -> None:
    path = folder / "runs.csv"
    path.write_bytes(content)
    try:
        runs = read_runs(path)
    except LambdaArchError as error:
        assert str(error).startswith(str(path))
    else:
        assert all(0 <= run.top1 <= 100 for run in runs)


@given(content=table(RESULTS))
def test_tables(folder: Path, content: bytes) -> None:
    path = folder / "results.csv"
    path.write_bytes(content)
    try:
        front = table_front(path, ["ms"], ["top1"])
    except LambdaArchError as error:
        assert str(error).startswith(str(path))
    else:
        assert front.members
