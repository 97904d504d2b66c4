import sys

import pytest

from lambda_arch.errors import ArchitectureError
from lambda_arch.interop.locating import locate, source_digest
from lambda_arch.interop.references import read_reference


def digest(text):
    reference = read_reference(text)
    return source_digest(reference, locate(reference))


def test_a_file_is_found_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text("")
    monkeypatch.chdir(tmp_path)
    location = locate(read_reference("models.py:Net"))
    assert (location.file, location.folder) == (str(tmp_path / "models.py"), str(tmp_path))
    with pytest.raises(ArchitectureError, match=r"no file model.py \(did you mean models.py\?\)"):
        locate(read_reference("model.py:Net"))


def test_a_package_of_the_current_folder_is_found_after_those_installed(tmp_path, monkeypatch):
    for name in ("mine", "torch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    mine, theirs = locate(read_reference("mine.nets:Net")), locate(read_reference("torch.nn:Identity"))
    assert (mine.folder, mine.installed) == (str(tmp_path), False)
    assert theirs.installed
    assert str(tmp_path) not in sys.path  # locating runs nothing and changes nothing
    with pytest.raises(ArchitectureError, match="neither installed nor in the current folder"):
        locate(read_reference("no_such_package:Net"))


def test_the_digest_of_an_installed_package_is_its_version():
    assert digest("torch.nn:Identity").startswith("torch 2")


def test_an_edited_file_has_another_digest_and_so_has_what_it_imports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text("import torch\nfrom blocks import Block\n")
    (tmp_path / "blocks.py").write_text("Block = 1\n")
    (tmp_path / "other.py").write_text("")
    before = digest("models.py:Net")
    (tmp_path / "other.py").write_text("x = 1\n")  # which is not imported
    assert digest("models.py:Net") == before
    assert digest("models.py:Net(width=4)@1,3") == before
    (tmp_path / "blocks.py").write_text("Block = 2\n")
    assert (after := digest("models.py:Net")) != before
    (tmp_path / "models.py").write_text("(")
    assert digest("models.py:Net") not in (before, after)


def test_the_digest_of_a_package_is_of_all_its_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    (tmp_path / "mine" / "deep" / "net.py").write_text("a = 1\n")
    before = digest("mine.deep.net:Net")
    (tmp_path / "mine" / "deep" / "net.py").write_text("a = 2\n")
    assert digest("mine.deep.net:Net") != before
