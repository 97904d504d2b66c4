"""Whatever is written where an architecture is expected is one, or is refused by an error of ours."""

import pytest
from hypothesis import example, given

from lambda_arch.arch import parse, read_architecture
from lambda_arch.costs import count
from lambda_arch.errors import ArchitectureError
from tests.fuzzing import names, toml

FILE = 'name = "lambda_resnet50"\nimage_size = 64\nk = 8\nse = 0.25\n[c4]\nm = 7\n[c4.3]\nu = 4'


@given(names())
@example("lambda_resnet50:k=" + "9" * 5000)
@example("lambda_resnet50@" + "9" * 5000)
@example("lambda_resnet50:k=²")
def test_names(text):
    try:
        architecture = parse(text)
    except ArchitectureError as error:
        assert str(error).strip()
    else:
        assert parse(str(architecture)) == architecture
        assert count(architecture).params > 0


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzzing") / "architecture.toml"


@given(content=toml(FILE))
@example(content=b"k = " + b"9" * 5000)
@example(content=b"k = " + b"[" * 5000)
@example(content=b"se = 1" + b"0" * 400)
def test_files(path, content):
    path.write_bytes(content)
    try:
        architecture = read_architecture(path)
    except ArchitectureError as error:
        assert str(error).startswith(str(path))
    else:
        assert parse(str(architecture)) == architecture
