"""A checkpoint is of its own run, holds no objects, and is refused where it was damaged or edited."""

from dataclasses import replace
from math import nan

import pytest
import torch
from safetensors.torch import load_file

from lambda_arch import build, parse, train
from lambda_arch.errors import DataError, SetupError
from lambda_arch.training import checkpoints
from lambda_arch.training.recipe_file import NamedRecipe
from lambda_arch.training.runs import RunStatus, run_folder
from tests.training.checks import refused
from tests.training.conftest import TINY, make_data


def test_a_checkpoint_of_something_else_is_refused(tmp_path, corners, quick):
    run = train(TINY, corners, quick, output=tmp_path)[0]
    refused(SetupError, "has a checkpoint; expected resume", TINY, corners, quick, output=tmp_path)
    changed = {"output": tmp_path, "resume": True}
    refused(DataError, "of lr=0.05, not 0.1", TINY, corners, quick, lr=0.1, **changed)
    refused(DataError, "of data=", TINY, make_data(seed=1), quick, **changed)
    path = next(run.folder.glob("checkpoint-*"))
    weights = path / "weights.safetensors"
    content = weights.read_bytes()
    for broken in (content[:100], b"", content.replace(b"head.fc.bias", b"head.fc.bxas")):
        weights.write_bytes(broken)
        assert str(weights) in refused(DataError, "", TINY, corners, quick, **changed)
    weights.write_bytes(content)
    state = path / "state.pt"
    whole = state.read_bytes()
    state.write_bytes(whole[: len(whole) // 2])
    assert str(state) in refused(DataError, "damaged checkpoint", TINY, corners, quick, **changed)


ODD_STATES = {
    "epoch": [-1, 10**18, nan, "x", None, 1.5],
    "step": [-5, 10**18, "x"],
    "history": [[{}], "x", [1], [{"epoch": "a"}]],
    "sums": ["x", {}, []],
    "optimizer": [{}, "x", {"state": {}, "param_groups": []}],
    "schedule": ["x"],
    "damaged": [7],
    "spent": ["x"],
    "identity": ["x", {}, []],
}


@pytest.mark.slow
def test_a_checkpoint_whose_state_was_edited_is_refused(tmp_path, corners, quick):
    run = train(TINY, corners, quick, output=tmp_path)[0]
    path = checkpoints.newest(run.folder) / "state.pt"
    state = torch.load(path, weights_only=True)
    for key, values in ODD_STATES.items():
        for value in values:
            torch.save({**state, key: value}, path)
            text = refused(DataError, "", TINY, corners, quick, output=tmp_path, resume=True)
            assert str(path.parent) in text, (key, value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"architectures": "mobilenet:classes=4@16"}, "of architecture=lambda_mobilenet"),
        ({"seed": 1}, "of seed=0, not 1"),
        ({"recipe": "other"}, "of lr=0.05, not 0.1"),
    ],
)
def test_a_checkpoint_that_was_moved_is_still_of_its_own_run(tmp_path, corners, quick, changed, words):
    other = NamedRecipe("other", replace(quick, lr=0.1))
    run = train(TINY, corners, quick, output=tmp_path, hours=1e-9)[0]
    arguments = {"architectures": TINY, "seed": 0} | changed | {"recipe": other if "recipe" in changed else quick}
    named = other.name if "recipe" in changed else "own"
    mine = run_folder(tmp_path, str(parse(arguments["architectures"])), named, arguments["seed"])
    run.folder.rename(mine)
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    text = refused(DataError, words, data=corners, output=tmp_path, resume=True, **arguments)
    assert "expected the same, or another output" in text and str(mine) in text
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before


def test_a_checkpoint_holds_no_pickled_objects(tmp_path, corners, quick):
    run = train(TINY, corners, replace(quick, model_ema=0.9), output=tmp_path)[0]
    path = checkpoints.newest(run.folder)
    torch.load(path / "state.pt", weights_only=True)
    for name in ("weights.safetensors", "ema.safetensors"):
        assert load_file(path / name).keys() == build(TINY).state_dict().keys()


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, corners, quick, monkeypatch):
    train(TINY, corners, quick, output=tmp_path, hours=1e-9)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lambda_arch.training.checkpoints.atomic_write", full)
        with pytest.raises(OSError, match="No space left on device") as caught:
            train(TINY, corners, quick, output=tmp_path, resume=True)
    assert "checkpoint-1-0" in caught.value.filename
    folder = next(tmp_path.iterdir())
    assert {path.name for path in folder.glob("*checkpoint*")} == {"checkpoint-0-1"}
    assert train(TINY, corners, quick, output=tmp_path, resume=True)[0].status == RunStatus.FINISHED
