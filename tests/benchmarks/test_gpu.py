"""The GPU kit, at tiny sizes on the CPU: every step runs, what is finished stays, and a second call goes on."""

import csv
import itertools
import json
import os
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.gpu import energy, own_process, planning, runner, supervisor
from benchmarks.gpu.floors import floor_seconds, operations
from benchmarks.gpu.folder import Finished, Folder
from benchmarks.gpu.item import Item, SkippedError
from benchmarks.gpu.settings import TINY, WHOLE, read_settings
from benchmarks.gpu.steps import all_items, evaluations, memory
from benchmarks.gpu.summary import AIMS, write_summary
from lambda_arch.costs import count
from lambda_arch.nn.evaluation import Evaluation, ceilings, fused
from lambda_arch.store import Store
from lambda_arch.timing import measure
from lambda_arch.timing.worker.conditions import NvidiaGpu
from tests.fake_cuda import fake_cuda
from tests.fake_workers import FakeWorker, fake_workers
from tests.waiting import HANGS, wait_until


@pytest.fixture
def settings(tmp_path):
    return read_settings(["--out", str(tmp_path / "kit"), "--device", "cpu", "--dry-run", "--minutes", "60"])


@pytest.fixture
def quick(monkeypatch):
    """Put three items that take no time in the place of all; what they did is kept."""
    done = []

    def use(*runs):
        items = [Item(2, f"item {n}", "numbers", 1, 2, run) for n, run in enumerate(runs)]
        for module in (planning, supervisor, sys.modules["benchmarks.gpu.summary"]):
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


class Counter(NvidiaGpu):
    """A GPU that used a joule more whenever it is asked."""

    used = 0

    def joules(self):
        type(self).used += 1
        return float(self.used)


@pytest.fixture
def of_every_kind(monkeypatch):
    """Leave one item of every kind: of those that differ only in arguments."""
    kinds = {(getattr(item.run, "func", item.run), "layer" in item.key and item.key): item
             for item in reversed(all_items(TINY))}  # fmt: skip
    chosen = list(reversed(kinds.values()))

    def use(*, compiled):
        left = [item for item in chosen if ("compiled" in item.key) == compiled]
        for module in (planning, sys.modules["benchmarks.gpu.summary"]):
            monkeypatch.setattr(module, "all_items", lambda sizes: left)
        return [item.key for item in left]

    return use


@pytest.mark.slow
def test_every_kind_of_item_runs(settings, of_every_kind, monkeypatch):
    """On a GPU that is none, whose tensors are on the host; on the CPU what is compiled."""
    for name in ("SIDES", "COPIES"):  # a dry run changes them
        monkeypatch.setattr(ceilings, name, dict(getattr(ceilings, name)))
    monkeypatch.setattr(ceilings, "LAMBDAS", ceilings.LAMBDAS)
    monkeypatch.setattr(own_process, "OwnWorker", FakeWorker)
    monkeypatch.setattr(memory, "ENERGY_SECONDS", 0.01)
    monkeypatch.setattr(energy, "NvidiaGpu", Counter)
    keys = of_every_kind(compiled=True)
    assert runner.run_items(settings, lambda line: None) == 0
    keys += of_every_kind(compiled=False)
    with fake_cuda(), fake_workers():
        assert runner.run_items(replace(settings, device="cuda:0"), lambda line: None) == 0
    folder = Folder(settings.out)
    write_summary(settings, folder)
    done = folder.finished()
    assert list(done) == keys
    failed = {item.key: (item.status, item.reason) for item in done.values() if item.status != "ok"}
    assert failed == {"ceilings fused bf16": ("skipped", "triton not installed")} or not failed
    rows = {}
    for item in done.values():
        rows.setdefault(item.table, []).extend(item.rows)
    assert {row["status"] for row in rows["evaluations"]} == {"ok"}
    assert all(row["error_output"] < 0.02 and row["median_ms"] > 0 for row in rows["evaluations"])
    assert all(row["error_gradients"] < 0.02 for row in rows["evaluations"] if row["step"] == "training")
    assert sum("auto" in row for row in rows["evaluations"]) == 4  # a choice for each of two layers, in both steps
    assert {row["status"] for row in rows["networks"]} == {"ok", "skipped"}
    names = {(row["step"], row["name"]) for row in rows["networks"]}
    assert {("inference", name) for name in ("canonical", "auto", "measured", "prepared channels_last",
            "lambda-networks", "resnet50")} <= names  # fmt: skip
    assert {("training", name) for name in ("canonical", "auto", "measured", "lambda-networks", "resnet50")} <= names
    assert all(row["reason"] for row in rows["networks"] if row["status"] == "skipped")
    assert {row["mode"] for row in rows["networks"] if "mode" in row} == {"graph", "compiled", "compiled graph"}
    assert [(row["batch"], row["status"]) for row in rows["batches"]] == [(2, "ok"), (4, "ok")]
    assert [row["by"] for row in rows["energy"]] == ["the device's counter"] * 2
    assert all(row["joules_per_image"] > 0 for row in rows["energy"])
    assert {row["kind"] for row in rows["ceilings"]} == set(ceilings.QUICK_KINDS)
    with (settings.out / "measured" / "hybrid_stages.csv").open() as file:
        assert [row["stages"] for row in csv.DictReader(file)] == ["CCCC", "LCCC"]
    with Store(settings.out / "results.db", read_only=True) as store:
        tables = {name: len(store.rows(f"SELECT * FROM {name}"))
                  for name in ("machine", "peak", "choice", "measurement")}  # fmt: skip
    assert all(tables.values()), tables
    text = (settings.out / "summary.md").read_text()
    assert "dry run" in text and "The cost model's choices" in text
    with zipfile.ZipFile(settings.out / "kit.zip") as archive:
        assert {"summary.md", "items.jsonl", "results.db", "measured/networks.csv"} <= set(archive.namelist())


@pytest.mark.slow
def test_a_worker_in_this_process_measures_like_one_in_its_own(tmp_path):
    name = "lambda_resnet18:stages=CCCL,k=2,m=3,classes=3@32"
    with own_process.in_own_process():
        found = measure([name, "resnet18:classes=3@32"], seconds=0.01, store=tmp_path / "s.db")
    assert [str(each.measurement.status) for each in found] == ["ok", "ok"]
    assert all(each.measurement.summary.median > 0 for each in found)


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
    late = replace(settings, deadline=time.time() + planning.END + 0.5)
    assert runner.run_items(late, lambda line: None) == 0
    assert quick.done == []
    write_summary(late, Folder(late.out))
    assert "| item 0 | left |" in (late.out / "summary.md").read_text()


class Clock:
    """A clock that only items move."""

    def __init__(self):
        self.now = 1_000_000.0

    def time(self):
        return self.now


def test_a_call_ends_in_time_whatever_items_take(settings, monkeypatch):
    """Items that take twice as long as planned are noticed, and no more start than fit."""
    clock = Clock()
    monkeypatch.setattr("benchmarks.gpu.settings.time", clock)
    monkeypatch.setattr(runner, "time", clock)

    def item(number, planned, took):
        def run(settings):
            clock.now += took
            return [{"number": number}]

        return Item(3, f"item {number}", "numbers", planned, 3 * planned, run)

    items = [item(n, 30, 60) for n in range(20)] + [item(20, 2, 2)]
    for module in (planning, sys.modules["benchmarks.gpu.summary"]):
        monkeypatch.setattr(module, "all_items", lambda sizes: items)
    call = replace(settings, deadline=clock.now + 540)
    assert planning.pace(items, []) == 1
    runner.run_items(call, lambda line: None)
    done = Folder(call.out).finished()
    assert clock.now <= call.deadline - planning.END
    assert list(done) == [*(f"item {n}" for n in range(8)), "item 20"]  # 480 s, then what still fits
    assert planning.pace(items, done.values()) == pytest.approx(2, rel=0.02)
    lines = list(planning.plan(replace(call, deadline=clock.now + 540), Folder(call.out)))
    assert lines[0] == "12 items to go, planned 6.0 min; 8.9 min here"


def test_an_item_that_is_cut_short_keeps_its_rows_and_runs_again(settings, tmp_path, monkeypatch):
    script = tmp_path / "child.py"
    script.write_text(SLOW_CHILD)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    items = [Item(3, "slow", "evaluations", 0.1, 100, lambda settings: [])]
    for module in (planning, supervisor, sys.modules["benchmarks.gpu.summary"]):
        monkeypatch.setattr(module, "all_items", lambda sizes: items)
    told = []

    def say(line):  # the call ends as soon as the row is there
        told.append(line)
        if line.endswith("(planned 0 s)"):
            wait_until(lambda: Folder(settings.out).rows_of("slow"))
            object.__setattr__(call, "deadline", time.time())

    call = replace(settings)
    monkeypatch.setattr(supervisor, "START", HANGS)
    monkeypatch.setattr(supervisor, "_say", say)
    assert [item.key for item in supervisor.supervise(call, (sys.executable, str(script)))] == ["slow"]
    ended = Folder(settings.out).finished()["slow"]
    assert (ended.status, ended.rows) == ("cut short", [{"number": 1}])
    assert "| slow | cut short |" in (settings.out / "summary.md").read_text()
    assert [item.key for item in planning.pending(settings, Folder(settings.out))] == ["slow"]


CHILD = """
import os, sys, time
from benchmarks.gpu.folder import Finished, Folder
from benchmarks.gpu.planning import pending
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


SLOW_CHILD = """
import sys, time
from benchmarks.gpu.folder import Folder
from benchmarks.gpu.settings import read_settings
print("begin slow", flush=True)
Folder(read_settings(sys.argv[1:]).out).keep_row("slow", {"number": 1})
time.sleep(60)
"""


def test_a_crash_and_a_timeout_cost_one_item_each(settings, tmp_path, monkeypatch):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setattr(supervisor, "START", HANGS)
    short = [replace(item, limit=0.3 if item.step == 3 else HANGS) for item in all_items(TINY)[:6]]
    for module in (planning, supervisor):
        monkeypatch.setattr(module, "all_items", lambda sizes: short)
    left = supervisor.supervise(settings, (sys.executable, str(script)))
    assert left == []
    done = Folder(settings.out).finished()
    assert set(done) == {item.key for item in short}
    assert done["ceilings"].status == "crash" and "exit code 9" in done["ceilings"].reason
    assert {item.status for item in done.values() if item.step == 3} == {"timeout"}
    assert {item.status for item in done.values() if item.step == 1} == {"ok"}


def test_items_have_names_of_their_own_and_fit_into_one_call():
    items = all_items(WHOLE)
    assert len({item.key for item in items}) == len(items)
    assert max(item.planned for item in items) < 9 * 60
    assert all(item.planned < item.limit for item in items)
    assert [item.step for item in items[:5]] == [1, 1, 2, 2, 3]
    spent = itertools.accumulate(item.planned for item in items)
    first_call = [item.step for item, seconds in zip(items, spent, strict=True) if seconds < 9 * 60]
    assert set(first_call) >= {1, 2, 3, 4, 5, 6}


def test_the_tests_that_need_a_gpu_are_those_that_the_kit_runs():
    addresses = set()
    for file in Path("tests").rglob("test_*.py"):
        skipped = False
        for line in file.read_text().splitlines():
            if line.startswith("@pytest.mark.skipif(not torch.cuda.is_available()"):
                skipped = True
            elif line.startswith("def test_") and skipped:
                addresses.add(f"{file}::{line.split('(')[0].removeprefix('def ')}")
                skipped = False
    assert addresses == {address for address in WHOLE.tests if "::" in address}


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


@pytest.mark.parametrize("most", [1, 2, 7, 100, 300, 400, 1000])
def test_the_largest_batch_is_found_in_few_steps(most):
    tried, good, bad, halvings, batch = [], 0, 0, 0, 128
    while batch:
        tried.append(batch)
        good, bad = (batch, bad) if batch <= most else (good, batch)
        batch, halvings = memory.next_batch(good, bad, 512, halvings)
    assert len(tried) == len(set(tried)) <= 9
    assert (good == 0) if most < 2 else (min(most, 512) * 3 / 4 <= good <= min(most, 512))


def test_aims_follow_from_the_rows(settings):
    def network(name, milliseconds, step="inference"):
        return {"name": name, "mode": "eager", "median_ms": milliseconds, "dtype": "bf16", "batch": 128, "step": step}

    rows = [network("prepared channels_last", 3.0), network("canonical", 9.0), network("resnet50", 2.0),
            network("lambda-networks", 15.0), network("CCLL prepared", 2.2), network("auto", 12, "training"),
            network("resnet50", 4, "training"), {"name": "d-li14", "status": "skipped"}]  # fmt: skip
    done = [Finished("n", 4, "networks", "ok", "", 1, rows),
            Finished("p", 6, "predictions", "ok", "", 1, [{"error": -0.04}, {"error": 0.02}])]  # fmt: skip
    assert [aim.value(done) for aim in AIMS] == [1.5, 5.0, 1.1, 3.0, 4.0, None, None]
    folder = Folder(settings.out)
    for item in done:
        folder.keep(item)
    write_summary(replace(settings, dry=False), folder)
    verdicts = [line.split("|")[4].strip() for line in (settings.out / "summary.md").read_text().splitlines()[8:15]]
    assert verdicts == ["met", "met", "met", "missed", "met", "not measured", "not measured"]
    assert all(json.loads(line) for line in (settings.out / "items.jsonl").read_text().splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cpu"], "expected --dry-run"),
        (["--minutes", "0"], "over 0"),
        (["--d-li14", "/no/such/folder"], "expected a folder or file"),
        (["--wheels", __file__], "expected a folder"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        read_settings(["--out", str(tmp_path), *arguments])
    assert error.value.code == 2
    assert message in capsys.readouterr().err
