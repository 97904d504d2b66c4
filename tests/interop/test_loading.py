import pytest
from torch import nn

from lambda_arch.errors import ModuleError
from lambda_arch.interop.loading import load
from lambda_arch.interop.locating import locate
from lambda_arch.interop.references import read_reference
from tests.interop.user_models import SOURCE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", __import__("sys").path[:])
    return tmp_path


def loaded(text):
    reference = read_reference(text)
    return load(reference, locate(reference))


def test_a_factory_is_called_with_its_arguments(folder, capsys):
    assert loaded("models.py:Net(16, classes=3)").fc.weight.shape == (3, 16)
    assert loaded("models.py:made").stem.out_channels == 4  # a module itself
    out, err = capsys.readouterr()
    assert out == ""  # standard output is for results
    assert "made" in err


def test_a_file_imports_what_is_beside_it(folder):
    (folder / "blocks_of_mine.py").write_text("from torch import nn\nBlock = nn.Identity\n")
    (folder / "nets.py").write_text("from blocks_of_mine import Block\n")
    assert isinstance(loaded("nets.py:Block"), nn.Identity)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models.py:broken", ("line 19 of models.py", "KeyError", "no weights here")),
        ("models.py:Net(wide=3)", ("line 7 of models.py", "'wide'", "expected Net(width=8, *, classes=10)")),
        ("models.py:Net(width='a')", ("line 10 of models.py", "TypeError")),
        ("models.py:Nett", ("has no Nett", "did you mean Net?")),
        ("models.py:wrong", ("returned a str", "expected an nn.Module")),
        ("models.py:SOURCE", ("has no SOURCE",)),
        ("bad.py:Net", ("line 2 of bad.py", "SyntaxError")),
        ("leaves.py:Net", ("line 1 of leaves.py", "SystemExit: 3")),
        ("needs.py:Net", ("line 3 of needs.py", "ModuleNotFoundError", "no_such_package")),
        ("torch.nn:Conv2d(3)", ("torch.nn:Conv2d(3)", "missing a required argument")),
        ("torch.nonn:Conv2d", ("torch.nonn:Conv2d", "No module named")),
    ],
)
def test_an_error_names_the_module_and_the_line(folder, text, words):
    (folder / "bad.py").write_text("\nclass\n")
    (folder / "leaves.py").write_text("raise SystemExit(3)")
    (folder / "needs.py").write_text("\n\nimport no_such_package\n")
    with pytest.raises(ModuleError) as error:
        loaded(text)
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
