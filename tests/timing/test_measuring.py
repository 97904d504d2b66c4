"""Real measurements of small networks on the CPU, and what becomes of those that fail."""

import subprocess
import sys
import time

import psutil
import pytest

from lambda_arch.arch import parse
from lambda_arch.store import Case, Setup, Store, find_measurements
from lambda_arch.store.measurements import find_in_session
from lambda_arch.timing import Limits, Measuring
from lambda_arch.timing.rounds import Sampled

SETUP = Setup(threads=1)
QUICK = Limits(seconds=0.3, turn=0.05, warmup=0.5)
SMALL = parse("resnet18@32")
LAMBDA = parse("lambda_resnet18:m=3@32")


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db") as opened:
        yield opened


def measure(store, cases, **options):
    measuring = Measuring(store, cases, QUICK, **options)
    return measuring, list(measuring.events())


def test_measured_once_with_a_baseline_in_interleaved_rounds(store):
    cases = [Case(SMALL, SETUP), Case(LAMBDA, SETUP)]
    first, events = measure(store, cases, baselines=cases[:1])
    base, ours = first.results()
    assert (base.status, ours.status) == ("ok", "ok")
    assert base.architecture == "resnet18@32"
    assert base.session == ours.session
    ratio = ours.ratio_to(base)
    assert ratio.samples == len(ours.rounds.keys() & base.rounds.keys()) >= 3
    assert 0.1 < ratio.median < 100
    order = [event.job.architecture for event in events if isinstance(event, Sampled)]
    assert order[:4] == ["resnet18@32", "lambda_resnet18:m=3@32"] * 2  # in turns, not one after the other
    assert ours.peak_memory > 50e6
    assert ours.loaded["warmup"]
    assert ours.machine["torch"]

    again, events = measure(store, cases, baselines=cases[:1])
    assert events == []
    assert [m.uid for m in again.results()] == [base.uid, ours.uid]
    assert find_in_session(store, ours.session, base.architecture).uid == base.uid

    fresh, _ = measure(store, cases[:1], fresh=True)
    assert len(find_measurements(store)) == 3
    assert fresh.results()[0].uid != base.uid


def test_running_out_of_memory_is_a_result_and_costs_only_that_case(store):
    limits = Limits(seconds=0.2, turn=0.05, warmup=0.2, memory=400_000_000)
    cases = [Case(SMALL, SETUP), Case(SMALL, Setup(batch_size=50_000, threads=1))]
    measuring = Measuring(store, cases, limits)
    list(measuring.events())
    fits, does_not = measuring.results()
    assert fits.status == "ok"
    assert does_not.status == "oom"
    assert "allocate" in does_not.reason
    assert does_not.setup.batch_size == 50_000  # as asked, not shrunk
    assert Measuring(store, cases, limits).todo == []


def living_workers():
    children = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in children if any("timing/worker/__main__.py" in word for word in child.cmdline())]


def test_a_crash_costs_only_its_case(store):
    cases = [Case(SMALL, SETUP), Case(LAMBDA, SETUP)]
    measuring = Measuring(store, cases, QUICK)
    killed = False
    for event in measuring.events():
        if isinstance(event, Sampled) and not killed:
            workers = living_workers()
            max(workers, key=lambda child: child.create_time()).kill()  # the second network's
            killed = True
    first, second = measuring.results()
    assert first.status == "ok"
    assert second.status == "crash"
    assert "killed" in second.reason


@pytest.mark.slow
@pytest.mark.parametrize("after", [3.0, 6.0])
def test_killed_runs_are_resumed(tmp_path, after):
    path = tmp_path / "s.db"
    names = ["resnet18@32", "lambda_resnet18:m=3@32", "resnet18:stages=CCLL@32"]
    command = [sys.executable, "-m", "lambda_arch", "time", *names, "--store", str(path), "--threads", "1"]
    process = subprocess.Popen([*command, "--seconds", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.kill()
    process.wait()
    before = {}
    if path.exists():
        with Store(path) as store:
            before = {m.uid: m for m in find_measurements(store)}
    subprocess.run([*command, "--seconds", "0.3"], check=True, stdout=subprocess.DEVNULL)
    with Store(path) as store:
        found = {m.uid: m for m in find_measurements(store)}
    for uid, m in before.items():
        assert found[uid].rounds == m.rounds
    finished = [m.architecture for m in found.values() if m.status == "ok"]
    assert sorted(finished) == sorted(str(parse(name)) for name in names)  # each once: none lost, none repeated
