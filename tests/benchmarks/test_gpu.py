"""The GPU kit, at tiny sizes on the CPU: every step runs, what is finished stays, and a second call goes on."""

import csv
import json
import os
import sys
import time
from dataclasses import replace

import pytest
import torch

from benchmarks.gpu import runner, supervisor
from benchmarks.gpu.floors import floor_seconds, operations
from benchmarks.gpu.folder import Finished, Folder
from benchmarks.gpu.item import Item, SkippedError
from benchmarks.gpu.settings import TINY, WHOLE, read_settings
from benchmarks.gpu.steps import all_items, evaluations, memory
from benchmarks.gpu.summary import AIMS, write_summary
from lambda_arch.costs import count
from lambda_arch.nn.evaluation import Evaluation, fused
from lambda_arch.store import Store
from tests.fake_workers import fake_workers


@pytest.fixture
def settings(tmp_path):
    return read_settings(["--out", str(tmp_path / "kit"), "--device", "cpu", "--dry-run", "--minutes", "60"])


@pytest.fixture
def quick(monkeypatch):
    """Put three items that take no time in the place of all; what they did is kept."""
    done = []

    def use(*runs):
        items = [Item(2, f"item {n}", "numbers", 1.0, run) for n, run in enumerate(runs)]
        for module in (runner, supervisor, sys.modules["benchmarks.gpu.summary"]):
            monkeypatch.setattr(module, "all_items", lambda sizes: items)

    def step(number, then=None):
        def run(settings):
            done.append(number)
            if then is not None:
                raise then
            return [{"number": number}]

        return run

    use.step, use.done = step, done
    return use


@pytest.mark.slow
def test_every_step_runs(settings):
    with fake_workers():
        assert runner.run_items(settings, lambda line: None) == 0
    folder = Folder(settings.out)
    write_summary(settings, folder)
    done = folder.finished()
    assert list(done) == [item.key for item in all_items(TINY)]
    failed = {item.key: (item.status, item.reason) for item in done.values() if item.status != "ok"}
    assert {status for status, _ in failed.values()} <= {"skipped"}, failed
    assert set(failed) <= {key for key in done if key.startswith(("energy", "network compiled"))}
    layers = [row for item in done.values() if item.table == "evaluations" for row in item.rows]
    assert {row["status"] for row in layers} == {"ok"}
    assert all(row["error_output"] < 0.05 and row["median_ms"] > 0 for row in layers)
    assert all(row["error_gradients"] < 0.05 for row in layers if row["step"] == "training")
    networks = [row for item in done.values() if item.table == "networks" for row in item.rows]
    assert {row["status"] for row in networks} == {"ok", "skipped"}
    assert {"canonical", "auto", "prepared channels_last", "lambda-networks", "resnet50"} <= {
        r["name"] for r in networks
    }
    assert all(row["reason"] for row in networks if row["status"] == "skipped")
    with (settings.out / "measured" / "hybrid_stages.csv").open() as file:
        assert [row["stages"] for row in csv.DictReader(file)] == ["CCCC", "LCCC"]
    with Store(settings.out / "results.db", read_only=True) as store:
        tables = {
            name: len(store.rows(f"SELECT * FROM {name}")) for name in ("machine", "peak", "choice", "measurement")
        }
    assert all(tables.values()), tables
    text = (settings.out / "summary.md").read_text()
    assert "dry run" in text and "channels_last" in text


def test_a_second_call_goes_on_where_the_first_was_interrupted(settings, quick):
    quick(quick.step(0), quick.step(1, KeyboardInterrupt()), quick.step(2))
    with pytest.raises(KeyboardInterrupt):
        runner.run_items(settings, lambda line: None)
    assert list(Folder(settings.out).finished()) == ["item 0"]
    quick(quick.step(0), quick.step(1), quick.step(2))
    assert runner.run_items(settings, lambda line: None) == 0
    assert quick.done == [0, 1, 1, 2]
    folder = Folder(settings.out)
    folder.write_tables()
    assert (settings.out / "measured" / "numbers.csv").read_text() == "number\n0\n1\n2\n"


def test_a_torn_line_is_measured_again_and_spoils_no_other(settings, quick):
    quick(quick.step(0), quick.step(1))
    runner.run_items(settings, lambda line: None)
    path = settings.out / "items.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    runner.run_items(settings, lambda line: None)
    assert quick.done == [0, 1, 1]
    assert list(Folder(settings.out).finished()) == ["item 0", "item 1"]


def test_failures_and_skipped_items_are_said_and_do_not_stop_the_rest(settings, quick):
    quick(quick.step(0, ValueError("no")), quick.step(1, SkippedError("nothing here")), quick.step(2))
    assert runner.run_items(settings, lambda line: None) == 0
    folder = Folder(settings.out)
    write_summary(settings, folder)
    text = (settings.out / "summary.md").read_text()
    assert "| item 0 | failed | ValueError: no |" in text
    assert "| item 1 | skipped | nothing here |" in text
    assert "item 2" not in text


def test_after_an_error_of_cuda_the_process_ends(settings, quick):
    quick(quick.step(0, RuntimeError("CUDA error: an illegal memory access was encountered")), quick.step(1))
    assert runner.run_items(settings, lambda line: None) == runner.BROKEN
    assert quick.done == [0]


def test_an_item_that_does_not_fit_is_left(settings, quick):
    quick(quick.step(0), quick.step(1))
    late = replace(settings, deadline=time.time() + 0.5)
    assert runner.run_items(late, lambda line: None) == 0
    assert quick.done == []
    write_summary(late, Folder(late.out))
    assert "| item 0 | left |" in (late.out / "summary.md").read_text()


CHILD = """
import os, sys, time
from benchmarks.gpu.folder import Finished, Folder
from benchmarks.gpu.runner import pending
from benchmarks.gpu.settings import read_settings
settings = read_settings(sys.argv[1:])
folder = Folder(settings.out)
for item in pending(settings, folder):
    print("begin", item.key, flush=True)
    if item.key == "ceilings":
        os._exit(9)
    if item.step == 3:
        time.sleep(60)
    folder.keep(Finished(item.key, item.step, item.table, "ok", "", 0.0, []))
    print("end", item.key, flush=True)
"""


def test_a_crash_and_a_timeout_cost_one_item_each(settings, tmp_path, monkeypatch):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    short = [replace(item, seconds=0.3) if item.step == 3 else item for item in all_items(TINY)]
    monkeypatch.setattr(supervisor, "all_items", lambda sizes: short)
    left = supervisor.supervise(settings, (sys.executable, str(script)))
    assert left == []
    done = Folder(settings.out).finished()
    assert set(done) == {item.key for item in short}
    assert done["ceilings"].status == "crash" and "exit code 9" in done["ceilings"].reason
    assert {item.status for item in done.values() if item.step == 3} == {"timeout"}
    assert {item.status for item in done.values() if item.step not in (2, 3)} == {"ok"}


def test_items_have_names_of_their_own_and_fit_into_one_call():
    items = all_items(WHOLE)
    assert len({item.key for item in items}) == len(items)
    assert max(item.seconds for item in items) < 9 * 60
    assert [item.step for item in items[:7]] == [1, 1, 1, 1, 1, 2, 3]


def test_a_wrong_evaluation_is_not_timed(settings, monkeypatch):
    monkeypatch.setattr(fused, "outputs", lambda queries, shared, values, kernel: torch.full_like(queries, torch.nan)[
        :, :, : values.shape[1]])  # fmt: skip
    monkeypatch.setattr(evaluations, "_tried", lambda *_: [Evaluation(), Evaluation("fused"), Evaluation("matrix")])
    small = replace(settings, sizes=replace(TINY, rounds=1))
    rows = {row["evaluation"]: row for row in evaluations.measure_layer(8, 4, 2, "bf16", False, small)}
    assert rows["fused"]["status"] == "wrong" and "median_ms" not in rows["fused"]
    assert rows["canonical"]["status"] == "ok" and rows["canonical"]["median_ms"] > 0


def test_the_floor_counts_every_operation_once():
    rates = {"bf16": 1e12, "copy": 1e12}
    assert sum(macs for macs, _, _ in operations("resnet18@64", True)) == count("resnet18@64").macs
    for fused_floor in (True, False):
        found = operations("lambda_resnet18@64", fused_floor)
        assert sum(macs for macs, _, _ in found) == count("lambda_resnet18@64").macs
    # bound by products alone, the floor is their time
    fast_memory = {**rates, "copy": 1e30}
    expected = 2 * 8 * count("resnet18@64").macs / 1e12
    assert floor_seconds("resnet18@64", 8, "bf16", fast_memory) == pytest.approx(expected)
    for name, least in (("lambda_resnet18@64", 1.02), ("resnet18@64", 1.0)):  # lambdas that are written take time
        unwritten, written = (
            floor_seconds(name, 8, "bf16", {**rates, "copy": 1e10}, fused=each) for each in (True, False)
        )
        assert written >= least * unwritten
    assert floor_seconds("resnet18@64", 8, "tf32", rates) is None


@pytest.mark.parametrize("most", [1, 2, 7, 100, 1000])
def test_the_largest_batch_is_found(most):
    found = memory.bisected(lambda batch: batch <= most, 512)
    assert (found == 0) if most < 2 else (min(most, 512) * (1 - 1 / 8) <= found <= min(most, 512))


def test_aims_follow_from_the_rows(settings):
    def network(name, milliseconds, step="inference"):
        return {"name": name, "mode": "eager", "median_ms": milliseconds, "dtype": "bf16", "batch": 128, "step": step}

    rows = [network("prepared channels_last", 3.0), network("canonical", 9.0), network("resnet50", 2.0),
            network("lambda-networks", 15.0), network("CCLL prepared", 2.2), network("auto", 12, "training"),
            network("resnet50", 4, "training"), {"name": "d-li14", "status": "skipped"}]  # fmt: skip
    done = [Finished("n", 4, "networks", "ok", "", 1, rows),
            Finished("p", 6, "predictions", "ok", "", 1, [{"error": -0.04}, {"error": 0.02}])]  # fmt: skip
    assert [aim.value(done) for aim in AIMS] == [1.5, 5.0, 1.1, 3.0, 4.0, None]
    folder = Folder(settings.out)
    for item in done:
        folder.keep(item)
    write_summary(replace(settings, dry=False), folder)
    verdicts = [line.split("|")[4].strip() for line in (settings.out / "summary.md").read_text().splitlines()[8:14]]
    assert verdicts == ["met", "met", "met", "missed", "met", "not measured"]
    assert all(json.loads(line) for line in (settings.out / "items.jsonl").read_text().splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cpu"], "expected --dry-run"),
        (["--minutes", "0"], "over 0"),
        (["--d-li14", "/no/such/folder"], "expected a folder"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        read_settings(["--out", str(tmp_path), *arguments])
    assert error.value.code == 2
    assert message in capsys.readouterr().err
