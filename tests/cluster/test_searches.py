"""Searches whose measurements and trainings are others' work."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from lambda_arch.cluster import searches
from lambda_arch.searching.space_file import space_of
from lambda_arch.store.statistics import summarize
from lambda_arch.timing import Measurements
from lambda_arch.training.runs import Runs, RunStatus

SPACE = space_of(
    {"depth": [18, 26], "image_size": 32, "stages": ["CCCC", "CCCL", "CCLL"], "k": [4, 8, 16], "m": 7}, "s"
)


@pytest.fixture
def _connected(monkeypatch):
    @contextmanager
    def connected(cluster):
        yield SimpleNamespace(nodes=lambda: [])

    monkeypatch.setattr(searches, "connected", connected)


@pytest.mark.usefixtures("_connected")
def test_a_generation_is_measured_at_once_on_equal_devices(monkeypatch):
    asked = []

    def measure(networks, **how):
        asked.append([str(network) for network in networks])
        assert how["alike"] and (how["cluster"], how["resource"], how["threads"]) == ("local", "quiet", 1)
        ok = {"status": "ok", "warnings": []}
        return Measurements(
            tuple(
                SimpleNamespace(
                    measurement=SimpleNamespace(
                        architecture=name, summary=summarize([1.0 + i + len(asked[0]) * len(asked)] * 3), **ok
                    )
                )
                for i, name in enumerate(asked[-1])
            )
        )

    monkeypatch.setattr(searches, "measure", measure)
    how = {"minimize": "latency", "maximize": "top1", "threads": 1}
    front = searches.search(SPACE, resource="quiet", evaluations=9, seed=1, **how)
    assert [len(names) for names in asked] == [9]
    assert front.values(0)["latency"] >= 1.0 and front.evaluated == 9


def test_an_interrupted_training_exits_with_130_whatever_was_finished(run_cli, monkeypatch, tmp_path):
    monkeypatch.setattr("lambda_arch.cluster.train", lambda *_, **how: Runs((), interrupted=True), raising=False)
    words = ("train", "lambda_mobilenet:classes=10@16", "--data", "digits", "--recipe", "digits", "--cluster", "local")
    code, _, err = run_cli(*words, "--store", tmp_path / "s.db")
    assert code == 130
    assert "interrupted: the run is saved" in err


def test_runs_that_were_interrupted_are_not_finished():
    finished = SimpleNamespace(status=RunStatus.FINISHED)
    assert Runs((finished,)).status == "finished"
    assert Runs((finished,), interrupted=True).status == "interrupted"
