import csv
import io
import json

import pytest

from tests.interop.user_models import SOURCE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text(SOURCE)
    monkeypatch.setattr("sys.path", __import__("sys").path[:])
    return tmp_path


def test_modules_and_named_architectures_are_in_one_table_in_the_order_given(run_cli, folder):
    names = ["models.py:Net(width=4)", "resnet18", "models.py:Net"]
    code, out, _ = run_cli("params", *names, cwd=folder)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["architecture"] for row in rows] == names
    assert [int(row["params"]) for row in rows] == [170, 15995176, 330]
    assert [row["buffers"] for row in rows] == ["9", "", "17"]


def test_flops_of_a_module_stand_side_by_side(run_cli, folder):
    code, out, _ = run_cli("flops", "models.py:Net", "resnet18", "--image-size", 32, cwd=folder, terminal=True)
    assert code == 0
    assert "✓ agree" in out
    assert "models.py:Net on 1,3,32,32" in out
    assert "fvcore and torch agree in all 3 rows." in out
    data = json.loads(run_cli("flops", "models.py:Net", "--input", "2,3,32,32", "--format", "json", cwd=folder).out)
    assert data["macs"] == data["fvcore_macs"] == 2 * (16 * 16 * 27 * 8 + 80)
    assert data["input"] == "2,3,32,32"


def test_show_has_a_row_per_module(run_cli, folder):
    code, out, _ = run_cli("show", "models.py:Net", "--input", "1,3,32,32", cwd=folder)
    rows = {row["path"]: row for row in csv.DictReader(io.StringIO(out))}
    assert code == 0
    assert rows["norm"]["buffers"] == "17"
    assert rows["stem"]["shape"] == "1x8x16x16"
    assert rows["fc"]["torch_macs"] == rows["fc"]["fvcore_macs"] == "80"


def test_a_file_can_register_a_formula(run_cli, folder):
    (folder / "models.py").write_text(
        SOURCE
        + "\nfrom lambda_arch.interop import handler_of\n\n"
        + "@handler_of('aten::mean')\ndef mean(inputs, outputs):\n    return 1000\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambda_arch.interop.handlers.HANDLERS", {})
        _, out, _ = run_cli("flops", "models.py:Net", "--input", "1,3,32,32", "--format", "json", cwd=folder)
    assert json.loads(out)["macs"] == 16 * 16 * 27 * 8 + 80 + 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["flops", "models.py:Net", "--input", "1,4,32,32"], "models.py:Net: line 15 of models.py: RuntimeError"),
        (["flops", "models.py:broken"], "line 19 of models.py: KeyError"),
        (["params", "models.py:Net(width=open('x'))"], "expected literal arguments"),
        (["params", "models.py:Net", "--k", "8"], "k=8: is for architectures by name"),
        (["params", "resnet50", "--input", "1,3,8,8"], "--input 1,3,8,8: is for modules"),
        (["flops", "models.py:Net", "--input", "1,3,8,x"], "--input 1,3,8,x: expected whole numbers"),
        (["show", "models.py:Net", "--evaluation", "auto"], "a module of any kind; expected --input SHAPE alone"),
        (["compare", "resnet50", "models.py:Net"], "models.py:Net: a module; expected an architecture by name"),
        (["flops", "models.py:Net", "--mode", "train"], "--mode train: counts architectures by name"),
        (["params", "lamda_resnet50:k=8"], "no such architecture (did you mean lambda_resnet50?)"),
    ],
)
def test_mistakes_are_one_line(run_cli, folder, arguments, words):
    code, out, err = run_cli(*arguments, cwd=folder)
    last = err.splitlines()[-1]
    assert code == 2
    assert out == ""
    assert words in last, err
    assert "Traceback" not in err


def test_a_total_that_is_too_low_is_no_agreement(run_cli, folder):
    arguments = ("torch.nn:LSTM(3, 4)", "--input", "1,5,3", "resnet18")
    assert "✗ too low" in run_cli("flops", *arguments, cwd=folder, terminal=True, COLUMNS="100").out
    rows = list(csv.DictReader(io.StringIO(run_cli("flops", *arguments, cwd=folder).out)))
    assert "fvcore: aten::lstm" in rows[0]["missed"]


def test_sweeps_stand_beside_modules(run_cli, folder):
    names = ["models.py:Net", "lambda_resnet18@32", "resnet18@32"]
    code, out, err = run_cli("params", *names, "--k", "8,16", cwd=folder)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["architecture"], row["k"]) for row in rows] == [
        (names[0], ""), ("lambda_resnet18:k=8@32", "8"), (names[1], "16"), (names[2], "")
    ]  # fmt: skip
    assert "note: resnet18@32 has no lambda layers; --k has no effect there\n" in err
    code, out, _ = run_cli("flops", *names[::2], "--image-size", "32,64", cwd=folder)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["image_size"] for row in rows] == ["32", "64", "32", "64"]
    macs = [int(row["macs"]) for row in rows]
    assert 3 * macs[0] < macs[1] < 4 * macs[0] and macs[3] > 3 * macs[2]


@pytest.mark.parametrize("command", ["memory", "compare", "calibrate", "export", "list"])
def test_commands_for_named_architectures_say_so(run_cli, folder, command):
    code, _, err = run_cli(command, "models.py:Net", *(["--to", "net.pt2"] if command == "export" else []), cwd=folder)
    assert code == 2
    assert err.startswith("lambda-arch: models.py:Net: a module") and "expected an architecture by name" in err
    assert err.count("\n") == 1
