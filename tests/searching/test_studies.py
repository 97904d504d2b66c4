"""Proposals in Optuna studies, and finished trials as runs; with a database and with a journal."""

from pathlib import Path

import optuna
import pytest

from lambda_arch import propose
from lambda_arch.errors import DataError
from lambda_arch.searching.learning import after
from lambda_arch.searching.proposals import Proposals
from lambda_arch.searching.space_file import read_space
from lambda_arch.searching.studies import enqueue, finished_runs
from lambda_arch.searching.study_parameters import Parameters
from tests.command_line import run
from tests.searching.simulated import SPACE, architectures, runs, truth


@pytest.fixture(params=["sqlite:///{}/s.db", "journal:{}/s.log"])
def url(request, tmp_path: Path) -> str:
    return str(request.param).format(tmp_path)


@pytest.fixture(scope="module")
def proposals() -> Proposals:
    return propose(SPACE, 3, accuracy=after(runs(architectures(6), 0.2), "simulated"), draws=4, where="macs<=3G")


def study_of(url: str) -> optuna.Study:
    if url.startswith("journal:"):
        backend = optuna.storages.journal.JournalFileBackend(url.removeprefix("journal:"))
        return optuna.load_study(study_name="lambda-arch", storage=optuna.storages.JournalStorage(backend))
    return optuna.load_study(study_name="lambda-arch", storage=url)


def test_proposals_are_trials_and_finished_trials_are_runs(url: str, proposals: Proposals) -> None:
    assert enqueue(url, proposals) == 3
    assert enqueue(url, proposals) == 0
    study = study_of(url)
    assert [direction.name for direction in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert study.metric_names == ["macs", "top1"]
    space = Parameters.of(SPACE).values
    for each in list(proposals)[:2]:
        trial = study.ask()
        assert trial.user_attrs["architecture"] == str(each.architecture)
        assert trial.user_attrs["macs"] == each.values["macs"] and isinstance(trial.user_attrs["macs"], int)
        for name, values in space.items():
            wanted = Parameters.of(SPACE).settings(each.architecture)[name]
            assert trial.suggest_categorical(name, values) == wanted
        study.tell(trial, [each.values["macs"], truth(each.architecture)])
    found, names, pending = finished_runs(url)
    assert [run.architecture for run in found] == [each.architecture for each in proposals][:2]
    assert [run.top1 for run in found] == pytest.approx([truth(run.architecture) for run in found])
    assert names == {str(each.architecture) for each in proposals}
    assert pending == {str(proposals[2].architecture)}
    assert all(value <= 0 for trial in study.trials for value in trial.constraints.values())
    assert all(len(trial.constraints) == 1 for trial in study.trials)
    again = propose(SPACE, 4, accuracy=f"study:{url}", draws=4, where="macs<=3G")
    assert (again.trained, again.pending) == (2, 1)
    assert not {str(each.architecture) for each in again} & names


def test_parameters_are_options_of_what_is_chosen_together() -> None:
    assert {"depth", "image_size", "c2.layer", "c5.k", "c5.u"} == set(Parameters.of(SPACE).values) & {
        "depth", "image_size", "c2.layer", "c5.k", "c5.u", "c2.1.layer", "stem",
    }  # fmt: skip
    blocks = Parameters.of(read_space("blocks")).values
    assert len(blocks) == 16 * 5 and blocks["c4.6.k"] == (2, 4, 8, 16, 32, None)


def test_a_study_of_another_search_is_refused(url: str, proposals: Proposals) -> None:
    enqueue(url, proposals)
    other = propose(SPACE, 1, accuracy=proposals.posterior, draws=2, where="macs<=2G")
    with pytest.raises(DataError, match="constraints was"):
        enqueue(url, other)
    with pytest.raises(DataError, match="no study other; expected lambda-arch"):
        finished_runs(f"{url}#other")


@pytest.mark.slow
def test_the_command_fills_a_study_and_learns_from_it(tmp_path: Path) -> None:
    done = run("search", "--propose", 2, "--draws", 2, "--study", "sqlite:///s.db", cwd=tmp_path)
    assert done.code == 0 and "sqlite:///s.db: 2 trials added" in done.err
    done = run("search", "--propose", 2, "--draws", 2, "--accuracy", "study:sqlite:///s.db", cwd=tmp_path)
    assert done.code == 0
    refused = run("search", "--propose", 10**6, "--draws", 10**6, "--study", "nosuch://x", cwd=tmp_path)  # at once
    assert refused.code == 2 and "expected sqlite:///FILE or journal:FILE" in refused.err
    refused = run("search", "--coverage", "--study", "sqlite:///s.db", cwd=tmp_path)
    assert refused.code == 2 and "only for a search with --propose" in refused.err


@pytest.mark.parametrize("url", ["sqlite:///no.db", "sqlite:///no.db#name", "journal:no.log"])
def test_a_study_that_is_read_is_not_made(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        finished_runs(url)
    assert not list(tmp_path.iterdir())
