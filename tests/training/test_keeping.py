from dataclasses import replace

import pytest

from lambda_arch import Store, train
from lambda_arch.errors import TrainingError
from lambda_arch.reporting import FORMATS, report_of
from lambda_arch.store import merge
from lambda_arch.training import find_runs
from lambda_arch.training.runs import RunStatus
from tests.training.conftest import TINY


def test_a_run_is_in_the_store_with_all_that_made_it(tmp_path, corners, quick):
    path = tmp_path / "s.db"
    run = train(TINY, corners, quick, output=tmp_path, store=path, seed=4, smoothing=0.1)[0]
    with Store(path) as store:
        (found,) = find_runs(store)
    assert found.epochs == run.epochs and found.status == RunStatus.FINISHED
    assert found.recipe.recipe == replace(quick, smoothing=0.1)
    assert (found.architecture, found.data, found.seed) == (run.architecture, "corners", 4)
    assert found.digest == corners.digest
    assert found.folder == run.folder.resolve() and found.device


@pytest.mark.slow
def test_a_run_that_is_continued_or_repeated_stays_one(tmp_path, corners, quick):
    path = tmp_path / "s.db"
    train(TINY, corners, quick, output=tmp_path, store=path, hours=1e-9)
    with Store(path) as store:
        (begun,) = find_runs(store)
        assert begun.status == RunStatus.OUT_OF_TIME and begun.epochs == ()
        train(TINY, corners, quick, output=tmp_path, store=store, resume=True)
        train(TINY, corners, quick, output=tmp_path, store=store, resume=True)
        (finished,) = find_runs(store)
        assert finished.status == RunStatus.FINISHED and len(finished.epochs) == 2
        train(TINY, corners, quick, output=tmp_path, store=store, seed=1)
        train(TINY, corners, quick, output=tmp_path / "b", store=store, lr=0.01)
        assert len(find_runs(store)) == 3
        assert len(find_runs(store, data="digits")) == 0


def test_a_run_that_diverged_is_kept_as_such(tmp_path, corners, quick):
    path = tmp_path / "s.db"
    with pytest.raises(TrainingError, match="loss is"):
        train(TINY, corners, quick, output=tmp_path, store=path, lr=1e30)
    with Store(path) as store:
        assert [run.status for run in find_runs(store)] == [RunStatus.NOT_FINITE]


def test_a_merged_store_completes_runs(tmp_path, corners, quick):
    here, there = tmp_path / "here.db", tmp_path / "there.db"
    train(TINY, corners, quick, output=tmp_path, store=there, hours=1e-9)
    with Store(here) as store:
        assert merge(store, there)["run"] == 1
        train(TINY, corners, quick, output=tmp_path, store=there, resume=True)
        assert merge(store, there)["run"] == 0
        assert [len(run.epochs) for run in find_runs(store)] == [2]


@pytest.mark.slow
def test_the_list_of_runs_is_what_search_takes(tmp_path, corners, quick, run_cli):
    path, out = tmp_path / "s.db", tmp_path / "mine.csv"
    train([TINY, "mobilenet:classes=4@16"], corners, quick, output=tmp_path, store=path)
    code, _, err = run_cli("runs", "--store", path, "--out", out)
    assert code == 0, err
    with Store(path) as store:
        runs = find_runs(store)
        assert out.read_text() == FORMATS["csv"](report_of(runs))
    frame = runs.to_frame()
    assert frame["architecture"].tolist() == [run.architecture for run in runs]
    assert frame["top1"].tolist() == [run.top1 for run in runs]
    code, out, _ = run_cli("runs", "--store", path, "--recipe", "paper")
    assert code == 0 and len(out.splitlines()) == 1
