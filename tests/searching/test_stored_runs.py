"""The search learns from what was trained here."""

import sqlite3

import pytest

from lambda_arch import Store
from lambda_arch.errors import DataError
from lambda_arch.searching.accuracy import model_of
from lambda_arch.searching.training_runs import OWN, read_runs, stored_runs
from lambda_arch.store.runs import Run, keep_run
from tests.command_line import run

DEPTHS = (26, 38, 50, 101)
TOP1 = {
    f"{kind}{depth}:classes=10@32": 80 + i
    for i, (kind, depth) in enumerate((kind, depth) for kind in ("resnet", "lambda_resnet") for depth in DEPTHS)
}


def keep(store, architecture, top1, data="digits", status="finished", seed=0, **settings):
    machine = {"fingerprint": "f", "device_name": "a device", "description": {}}
    store.insert("machine", machine, known="IGNORE")
    epochs = [] if top1 is None else [{"top1": top1 - 5}, {"top1": top1}]
    run = Run(
        architecture, "own", {"epochs": 2, **settings}, data, data, seed, {}, "f", f"2026-{seed}", status, epochs, "/"
    )
    keep_run(store, run)


@pytest.fixture
def path(tmp_path):
    with Store(tmp_path / "s.db") as store:
        for name, top1 in TOP1.items():
            keep(store, name, top1)
        keep(store, "resnet26:classes=10@32", 10, status="interrupted", seed=1)
        keep(store, "lambda_resnet26:classes=10@32", None, status="running", seed=2)
        keep(store, "mobilenet:classes=10@32", 50)
    return tmp_path / "s.db"


def test_finished_runs_of_known_architectures_are_learned_from(path):
    with Store(path) as store:
        runs, name = stored_runs(store)
    assert name == "digits" and {str(run.architecture): run.top1 for run in runs} == TOP1
    assert {run.recipe for run in runs} == {OWN}
    assert "trained here on digits" in model_of("store", store=path).describe()


def test_another_recipe_stands_for_itself(path):
    with Store(path) as store:
        keep(store, "resnet50:classes=10@32", 99, epochs=300)
        keep(store, "resnet38:classes=10@32", 83, seed=5)  # by the first recipe again, and last
        runs, _ = stored_runs(store)
    assert [run.recipe == OWN for run in runs].count(False) == 1
    assert next(run for run in runs if run.recipe != OWN).top1 == 99


def test_a_store_of_several_data_sets_asks_for_one(path):
    with Store(path) as store:
        keep(store, "resnet50:classes=10@32", 40, data="cifar10")
    with pytest.raises(DataError, match="has runs on cifar10, digits; expected one of them, such as store:cifar10"):
        model_of("store", store=path)
    with pytest.raises(DataError, match=r"no finished training runs on digit; .*did you mean digits"):
        model_of("store:digit", store=path)
    assert len(model_of("store:digits", store=path).runs) == len(TOP1)


def test_an_empty_store_is_refused(tmp_path):
    Store(tmp_path / "empty.db").close()
    with pytest.raises(DataError, match="no finished training runs"):
        model_of("store", store=tmp_path / "empty.db")


def test_a_list_of_runs_leaves_out_what_is_not_finished(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("architecture,top1,status\nresnet50,70,finished\nresnet26,,running\nresnet101,72,finished\n")
    assert [run.top1 for run in read_runs(path)] == [70, 72]


def test_the_command_takes_them(path, run_cli):
    arguments = ("search", "--accuracy", "store", "--store", path, "--members", "3", "--where", "params<=20M")
    code, out, err = run_cli(*arguments)
    assert code == 0, err
    assert "trained here on digits" in err and "top1_predicted" in out


def test_runs_that_were_changed_on_disk_or_cannot_be_read_do_not_end_the_list(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE run SET epochs = '[{]' WHERE seed = 1")
    connection.commit()
    connection.close()
    code, out, err = run("runs", "--store", path)  # none has all the figures of an epoch
    assert (code, len(out.splitlines())) == (0, 1)
    assert err.startswith("note: a damaged row is left out: run ") and err.count("\n") == 1
