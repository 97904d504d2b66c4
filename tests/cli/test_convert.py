"""``lambda-arch convert``: a file, or one line and none."""

import typing

import pytest
import torch

from lambda_arch.cli.convert import LayoutName
from lambda_arch.nn import load
from lambda_arch.nn.conversion import LAYOUTS
from tests.nn import foreign


@pytest.fixture
def folder(tmp_path):
    torch.save({"state_dict": foreign.d_li14(k=2, m=3).state_dict()}, tmp_path / "checkpoint.pth")
    return tmp_path


def convert(run_cli, folder, *options, checkpoint="checkpoint.pth", layout="d-li14"):
    to = () if "--to" in options else ("--to", folder / "out.safetensors")
    return run_cli("convert", folder / checkpoint, "--from", layout, *to, *options)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_becomes_a_file_that_loads(run_cli, folder):
    code, out, err = convert(run_cli, folder, "--image-size", 64)
    assert (code, err) == (0, "")
    name = "lambda_resnet26:classes=10,k=2,m=3,lambda_bias=yes@64"
    assert out == f"{folder / 'out.safetensors'}: {name}\n"
    assert files(folder) == ["checkpoint.pth", "out.safetensors"]
    assert str(load(folder / "out.safetensors").architecture) == name


def test_left_over_tensors_are_named_and_nothing_is_written(run_cli, folder):
    state = torch.load(folder / "checkpoint.pth", weights_only=True)["state_dict"]
    state["extra.weight"] = state.pop("layer1.0.conv1.weight")
    state["fc.bias"][2] = float("inf")
    torch.save(state, folder / "checkpoint.pth")
    code, out, err = convert(run_cli, folder)
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert lines[:3] == ["unmatched: extra.weight", "missing: c2.1.reduce.conv.weight", "not finite: fc.bias"]
    assert lines[3].endswith(
        "tensors 1 unmatched, 1 missing, 1 with NaN or infinity; nothing is written, --force writes what fits"
    )
    assert len(lines) == 4
    assert files(folder) == ["checkpoint.pth"]

    code, out, err = convert(run_cli, folder, "--force")
    assert code == 0
    assert err.splitlines() == lines[:3]
    forced = load(folder / "out.safetensors")
    assert torch.equal(forced.head.fc.bias, state["fc.bias"])


def test_many_left_over_tensors_are_counted_and_all_in_a_report(run_cli, folder):
    code, _, err = convert(run_cli, folder, "--architecture", "lambda_resnet50:k=2,m=3,classes=10")
    lines = err.splitlines()
    assert code == 2 and len(lines) == 12
    more = int(lines[10].split()[1])
    assert lines[10] == f"and {more} more; all with --report FILE"
    code, _, err = convert(
        run_cli, folder, "--architecture", "lambda_resnet50:k=2,m=3,classes=10", "--report", folder / "r.txt"
    )
    reported = (folder / "r.txt").read_text().splitlines()
    assert len(reported) == more + 10 and reported[:10] == lines[:10]
    assert f"and {more} more; all in {folder / 'r.txt'}" in err


@pytest.mark.parametrize(
    ("damage", "layout", "message"),
    [
        (lambda whole: whole[: len(whole) // 2], "d-li14", "a truncated or damaged checkpoint"),
        (lambda whole: b"<html>not found</html>", "d-li14", "not a checkpoint"),
        (lambda whole: b"", "d-li14", "not a checkpoint"),
        (lambda whole: whole, "lucidrains", "it looks like --from d-li14"),
    ],
)
def test_what_cannot_be_converted_is_one_line_and_no_file(damage, layout, message, run_cli, folder):
    path = folder / "checkpoint.pth"
    path.write_bytes(damage(path.read_bytes()))
    code, out, err = convert(run_cli, folder, layout=layout)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert files(folder) == ["checkpoint.pth"]


def test_wrong_arguments_are_one_line(run_cli, folder):
    for options, message in (
        (["--architecture", "lambda_resnet5"], "lambda_resnet5: no such architecture (did you mean"),
        (["--image-size", 8], "--image-size 8: expected"),
        (["--to", folder / "out.pth"], "expected a file that ends in .safetensors"),
        (["--to", folder / "none" / "out.safetensors"], "No such file or directory"),
    ):
        code, out, err = convert(run_cli, folder, *options)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert message in err
    code, _, err = convert(run_cli, folder, checkpoint="none.pth")
    assert (code, err.count("\n")) == (2, 1)
    assert "none.pth: No such file" in err
    assert files(folder) == ["checkpoint.pth"]


def test_the_command_knows_every_layout():
    assert set(typing.get_args(LayoutName)) == set(LAYOUTS)
