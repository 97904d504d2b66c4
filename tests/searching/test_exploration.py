"""The closed loop: what was trained is learned from, counts after an interruption, and is never trained twice."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lambda_arch import Store, explore, parse, train
from lambda_arch.errors import LambdaArchError, SetupError
from lambda_arch.searching import exploration
from lambda_arch.searching.exploration import ENDED
from lambda_arch.searching.halving import foretells, goes_on, layers, rungs, saved
from lambda_arch.searching.space_file import space_of
from lambda_arch.store.claims import claim
from lambda_arch.store.runs import Run, keep_run, read_runs
from lambda_arch.training import Recipe
from lambda_arch.training.runs import RunStatus
from tests.command_line import run
from tests.searching.simulated import truth
from tests.training.conftest import TINY, make_data

SPACE = space_of(
    {"depth": [18, 26, 38], "image_size": [32, 64], "classes": 4, "stages": ["CCCC", "CCLL"], "k": [4, 16], "m": 7},
    "small",
)
DATA = make_data(size=32)
RECIPE = Recipe(epochs=8, batch_size=8)


@pytest.fixture
def trained():
    """Train by what the truth says; ``calls`` has what was trained, up to which epoch; ``explore`` is with it."""
    calls: list[tuple[str, int]] = []

    def train(architectures, data, recipe, **how):
        for each in architectures:
            status = train_one(each, data, recipe, **how)
            if status not in ENDED:
                break
        return SimpleNamespace(status=status)

    def train_one(architecture, data, recipe, *, seed, store, stop_epoch, **_):
        name, epochs = str(architecture), recipe.recipe.epochs
        end = min(stop_epoch or epochs, epochs)
        status = RunStatus.FINISHED if end == epochs else RunStatus.STOPPED
        if len(calls) == train.interrupt:
            end, status = max(1, end - 1), RunStatus.INTERRUPTED
        calls.append((name, end))
        final = truth(parse(name))
        worse = -final if train.misleads else final  # before the end
        history = [{"top1": (final if i == epochs - 1 else worse) - 10 / (i + 1)} for i in range(end)]
        with Store(store) as opened:
            opened.insert("machine", {"fingerprint": "f", "device_name": "a device", "description": {}}, known="IGNORE")
            settings = recipe.recipe.as_dict()
            row = Run(
                name,
                recipe.name,
                settings,
                data.name,
                data.digest,
                seed,
                {},
                "f",
                f"2026-{len(calls):03}",
                status,
                history,
                "/",
            )
            keep_run(opened, row)
        return status

    train.interrupt = None
    train.misleads = False
    train.calls = calls
    train.explore = partial(explore, train=train)
    return train


def test_the_loop_ends_with_the_front_of_what_was_measured(trained, tmp_path: Path) -> None:
    found = trained.explore(SPACE, DATA, RECIPE, trainings=7, batch=3, draws=4, store=tmp_path / "s.db")
    names = [name for name, _ in trained.calls]
    assert len(names) == len(set(names)) == found.counted == 7
    assert {each.architecture for each in found.trained} == set(names)
    for each in found.trained:
        assert each.values["top1"] == pytest.approx(truth(parse(each.architecture)) - 10 / 8)
    for i, each in enumerate(found.trained):
        beaten = any(
            other.values["macs"] < each.values["macs"] and other.values["top1"] > each.values["top1"]
            for other in found.trained
        )
        assert (i in found.front) == (not beaten)
    assert not {str(each.architecture) for each in found.next} & set(names)
    assert "measured" in str(found) and "predicted" in str(found)


def test_a_loop_that_was_interrupted_goes_on_with_the_run_under_way(trained, tmp_path: Path) -> None:
    how = {"trainings": 5, "batch": 2, "draws": 4, "store": tmp_path / "s.db"}
    trained.interrupt = 2
    first = trained.explore(SPACE, DATA, RECIPE, **how)
    assert first.status == "interrupted" and first.counted == 2 and len(trained.calls) == 3
    trained.interrupt = None
    second = trained.explore(SPACE, DATA, RECIPE, **how)
    assert second.status == "finished" and second.counted == 5
    assert trained.calls[3][0] == trained.calls[2][0]
    finished = [name for name, end in trained.calls if end == 8]
    assert len(finished) == len(set(finished)) == 5
    assert trained.explore(SPACE, DATA, RECIPE, **how).counted == 5 and len(trained.calls) == 6


HOLD = """
import sys
from pathlib import Path
from lambda_arch.store.claims import claim
with claim(Path(sys.argv[1]), sys.argv[2]) as ours:
    print(ours, flush=True)
    sys.stdin.readline()
"""


def hold(store: Path, what: str) -> subprocess.Popen[str]:
    """Return another process that claims ``what``."""
    command = [sys.executable, "-c", HOLD, str(store), what]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "True\n"
    return other


def test_what_another_process_trains_is_left_to_it_until_it_is_gone(
    trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {"trainings": 4, "batch": 2, "draws": 4, "store": tmp_path / "s.db"}
    trained.interrupt = 0
    trained.explore(SPACE, DATA, RECIPE, **how)
    trained.interrupt = None
    under_way = trained.calls[0][0]
    asked: list[str] = []

    def noted(store: Path, what: str):
        asked.append(what)
        return claim(store, what)

    monkeypatch.setattr(exploration, "claim", noted)
    trained.explore(SPACE, DATA, RECIPE, **{**how, "trainings": 1})
    (what,) = {each for each in asked if each.startswith(f"{under_way} ")}
    with Store(tmp_path / "s.db") as store:  # under way again
        (run_,) = [each for each in read_runs(store) if each.architecture == under_way]
        keep_run(store, replace(run_, status=RunStatus.RUNNING))
    trained.calls.clear()
    other = hold(tmp_path / "s.db", what)
    try:
        found = trained.explore(SPACE, DATA, RECIPE, **how)
        assert found.counted == 3 and under_way not in {name for name, _ in trained.calls}
    finally:
        other.kill()
        other.communicate()
    assert trained.explore(SPACE, DATA, RECIPE, **how).counted == 4
    assert trained.calls[-1][0] == under_way


def test_runs_on_other_data_or_by_another_recipe_do_not_count(trained, tmp_path: Path) -> None:
    how = {"trainings": 2, "batch": 2, "draws": 4, "store": tmp_path / "s.db"}
    trained.explore(SPACE, DATA, RECIPE, **how)
    trained.explore(SPACE, DATA, RECIPE, lr=0.2, **how)
    trained.explore(SPACE, make_data(size=32, seed=1), RECIPE, **how)
    assert len(trained.calls) == 6


def test_halving_stops_what_does_badly_and_says_what_it_saved(trained, tmp_path: Path) -> None:
    found = trained.explore(SPACE, DATA, RECIPE, trainings=12, batch=4, draws=4, halving=True, store=tmp_path / "s.db")
    with Store(tmp_path / "s.db") as store:
        kept = read_runs(store)
    paused = [each for each in kept if each.status == RunStatus.STOPPED]
    assert paused and found.saved is not None and found.saved.paused == len(paused)
    assert found.saved.epochs == sum(8 - len(each.epochs) for each in paused)
    assert found.counted == 12 and len(found.trained) == 12 - len(paused)
    assert {len(each.epochs) for each in paused} <= {2, 4}
    assert found.saved.correlation == pytest.approx(1.0)


def test_rungs_layers_and_who_goes_on() -> None:
    assert rungs(8) == [2, 4] and rungs(2) == [] and rungs(3) == [1, 2]
    points = np.array([[1, 9], [2, 5], [2, 6], [3, 7], [4, 8], [0, 9]], float)
    assert layers(points).tolist() == [1, 0, 1, 2, 3, 0]
    assert [goes_on(points, i) for i in range(6)] == [True, True, True, False, False, True]
    assert goes_on(np.array([[1, 2], [2, 1]], float), 0)
    assert saved([[1, 2, 3, 4], [2, 3, 4, 5], [3, 4], [0, 1, 2, 3]], 4).correlation == pytest.approx(1)


def test_what_cannot_be_explored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LambdaArchError, match="trainings=0: expected a whole number from 1"):
        explore(SPACE, DATA, RECIPE, trainings=0)
    with pytest.raises(LambdaArchError, match="classes"):
        explore("scaling", DATA, RECIPE, store=tmp_path / "s.db")
    assert "--data" in run("search", "--train", "--recipe", "digits").err
    assert "only for a search with --train" in run("search", "--halving").err
    told = run("search", "--train", "--data", "digits", "--recipe", "digits", "--study", "journal:s.log")
    assert told.code == 2 and "only for a search with --propose" in told.err


def test_a_rung_that_does_not_foretell_the_end_stops_nothing(trained, tmp_path: Path) -> None:
    rising = [[1.0, 1.0], [2.0, 4.0], [3.0, 9.0], [4.0, 16.0]]
    assert foretells(rising, 1) and not foretells(rising[:3], 1)
    assert not foretells([[a, -b] for a, b in rising], 1) and not foretells([[0.0, b] for _, b in rising], 1)
    trained.misleads = True
    found = trained.explore(SPACE, DATA, RECIPE, trainings=12, batch=4, draws=4, halving=True, store=tmp_path / "s.db")
    assert found.saved is not None and not found.saved.paused and (found.saved.correlation or 0) < -0.9


@pytest.mark.slow
def test_the_command_trains_learns_and_continues(tmp_path: Path) -> None:
    pytest.importorskip("sklearn.datasets")  # sets environment variables when it is imported
    (tmp_path / "s.toml").write_text(
        'depth = 18\nimage_size = 32\nclasses = 10\nstages = ["CCCC", "CCCL", "CCLL"]\nm = 3'
    )
    command = ("search", "--space", "s.toml", "--train", "--data", "digits", "--recipe", "digits", "--epochs", 1)
    command = (*command, "--limit-images", 128, "--batch", 1, "--draws", 4, "--store", "s.db", "--format", "json")
    one = run(*command, "--trainings", 1, cwd=tmp_path)
    assert one.code == 0 and "to train: " in one.err
    two = run(*command, "--trainings", 2, cwd=tmp_path)
    before, after = (json.loads(done.out)["trained"] for done in (one, two))
    assert (
        len(before) == 1 and len(after) == 2 and before[0]["architecture"] in [each["architecture"] for each in after]
    )
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_a_run_that_stops_early_is_what_a_whole_run_was_then(tmp_path: Path) -> None:
    corners, quick = make_data(), Recipe(epochs=2, batch_size=8, lr=0.05)
    first = train(TINY, corners, quick, output=tmp_path / "a", store=tmp_path / "s.db", stop_epoch=1)[0]
    assert first.status == "stopped early" and len(first.epochs) == 1
    again = train(TINY, corners, quick, output=tmp_path / "a", store=tmp_path / "s.db", resume=True)[0]
    whole = train(TINY, corners, quick, output=tmp_path / "b", store=tmp_path / "t.db")[0]
    assert again.status == "finished"
    assert [each.val_loss for each in again.epochs] == [each.val_loss for each in whole.epochs]
    with pytest.raises(SetupError, match="stop_epoch=0"):
        train(TINY, corners, quick, output=tmp_path / "c", stop_epoch=0)
