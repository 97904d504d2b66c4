"""The verb that measures: with workers that only pretend, and with processes for what becomes of those that fail."""

import subprocess

import psutil
import pytest

from lambda_arch import count, measure
from lambda_arch.errors import ArchitectureError, SetupError
from lambda_arch.store import Status, Store, find_measurements
from lambda_arch.timing.progress import LargestBatchSize, Planned
from lambda_arch.timing.rounds import Sampled
from tests.command_line import MODULE, started
from tests.store.rows import has_rounds
from tests.waiting import wait_until

SMALL, LAMBDA = "resnet18@32", "lambda_resnet18:m=3@32"
QUICK = {"threads": 1, "seconds": 0.2, "spread": 0.5}


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db") as opened:
        yield opened


def statuses(found):
    return [str(timing.measurement.status) for timing in found]


@pytest.mark.slow
def test_measured_in_processes_once(store):
    events = []
    found = measure([SMALL, LAMBDA], baseline=SMALL, store=store, progress=events.append, **QUICK)
    base, ours = found
    assert statuses(found) == ["ok", "ok"]
    assert ours.measurement.session == base.measurement.session
    assert ours.ratio.samples == len(ours.measurement.rounds.keys() & base.measurement.rounds.keys()) >= 3
    assert ours.measurement.peak_memory > 50e6
    assert ours.measurement.loaded["warmup"]
    assert ours.measurement.machine["torch"]
    order = [event.job.architecture for event in events if isinstance(event, Sampled)]
    assert order[:4] == [SMALL, LAMBDA] * 2  # one after the other, round by round
    again = measure([SMALL, LAMBDA], baseline=SMALL, store=store, **QUICK)
    assert [t.measurement.uid for t in again] == [t.measurement.uid for t in found]


def test_what_is_known_is_not_measured_again(workers, store):
    first = measure([SMALL, LAMBDA], baseline=SMALL, store=store, threads=1)
    assert [timing.ratio.median for timing in first] == [1.0, 1.0]
    started = workers.started
    again = measure([SMALL, LAMBDA], baseline=SMALL, store=store, threads=1)
    assert [t.measurement.uid for t in again] == [t.measurement.uid for t in first]
    assert workers.started == started
    measure(SMALL, fresh=True, store=store, threads=1)
    assert len(find_measurements(store)) == 3


def test_a_new_network_is_measured_in_one_session_with_its_baseline(workers, store):
    measure(SMALL, store=store, threads=1)
    base, ours = measure([SMALL, LAMBDA], baseline=SMALL, store=store, threads=1)
    assert base.measurement.session == ours.measurement.session
    assert len(find_measurements(store)) == 3


def test_setups_are_the_product_of_what_was_asked(workers, store):
    found = measure(SMALL, batch_size=[1, 8], dtype=["fp32", "bf16"], store=store, threads=1)
    setups = [timing.measurement.setup for timing in found]
    assert [(s.dtype, s.batch_size) for s in setups] == [("fp32", 1), ("fp32", 8), ("bf16", 1), ("bf16", 8)]


def sessions(found):
    return [timing.measurement.session for timing in found]


def test_runtimes_are_compared_with_the_first_in_interleaved_rounds(workers, store):
    runtimes = ["torch", "openvino"]
    found = measure([SMALL, LAMBDA], runtime=runtimes, store=store, threads=1)
    assert [(t.measurement.architecture, t.measurement.setup.runtime) for t in found] == [
        (SMALL, "torch"),
        (LAMBDA, "torch"),
        (SMALL, "openvino"),
        (LAMBDA, "openvino"),
    ]
    small, ours, small_too, ours_too = sessions(found)
    assert (small, ours) == (small_too, ours_too)
    assert small != ours
    assert [timing.baseline for timing in found[2:]] == [f"{SMALL} in torch", f"{LAMBDA} in torch"]
    assert [timing.ratio.median for timing in found] == [1.0] * 4
    assert [timing.as_dict()["runtime"] for timing in found] == ["torch", "torch", "openvino", "openvino"]
    assert found[0].as_dict()["precision"] == "fp32"
    again = measure(LAMBDA, runtime=runtimes, store=store, threads=1)
    assert sessions(again) == [ours, ours]
    alone = measure(LAMBDA, runtime="openvino", store=store, threads=1)  # a setup like any other
    assert (sessions(alone), alone[0].ratio) == ([ours], None)


def test_runtimes_can_be_compared_with_another_network(workers, store):
    found = measure(LAMBDA, runtime=["torch", "onnxruntime"], baseline=SMALL, store=store, threads=1)
    assert len(set(sessions(found))) == 1
    assert [(t.measurement.architecture, t.measurement.setup.runtime) for t in found] == [
        (SMALL, "torch"),
        (LAMBDA, "torch"),
        (LAMBDA, "onnxruntime"),
    ]
    assert {timing.baseline for timing in found} == {f"{SMALL} in torch"}
    with pytest.raises(SetupError, match="batch_size=auto, runtime=openvino"):
        measure(SMALL, runtime="openvino", batch_size="auto", store=store, threads=1)


@pytest.mark.slow
def test_a_worker_runs_other_runtimes(store, tmp_path, monkeypatch):
    """None of them leaves files in the user's home; OpenVINO's usage statistics would."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    found = measure(
        "lambda_mobilenet:layers=CCCCCCL-----C-,classes=4@32", runtime=["torch", "openvino"], store=store, **QUICK
    )
    assert statuses(found) == ["ok", "ok"]
    assert [timing.as_dict()["precision"] for timing in found] == ["fp32", "f32"]
    assert found[1].ratio.samples >= 3
    assert list(home.iterdir()) == []


def test_one_that_runs_out_of_memory_while_co_resident_is_measured_alone(workers, store):
    workers.fates = {LAMBDA: "crowded"}
    found = measure([SMALL, LAMBDA], store=store, threads=1)
    assert statuses(found) == ["ok", "ok"]
    crowded = [m for m in find_measurements(store) if m.status is Status.OUT_OF_MEMORY_CO_RESIDENT]
    assert [(m.architecture, m.reason) for m in crowded] == [
        (LAMBDA, "out of memory while co-resident; measured alone next")
    ]


def test_failures_are_results(workers, store):
    workers.fates = {SMALL: "oom", LAMBDA: "crash@2"}
    found = measure([SMALL, LAMBDA], store=store, threads=1)
    assert statuses(found) == ["oom", "crash"]
    assert statuses(measure([SMALL, LAMBDA], store=store, threads=1)) == ["oom", "crash"]  # known


@pytest.mark.parametrize("largest", [1, 5, 100])
def test_the_largest_batch_is_found_and_then_known(workers, store, largest):
    workers.largest = largest
    events = []
    (found,) = measure(SMALL, batch_size="auto", store=store, threads=1, progress=events.append)
    size = found.measurement.setup.batch_size
    assert largest - largest // 16 <= size <= largest
    assert LargestBatchSize(SMALL, size) in events
    started = workers.started
    (again,) = measure(SMALL, batch_size="auto", store=store, threads=1)
    assert again.measurement.uid == found.measurement.uid
    assert workers.started == started
    workers.largest = 0
    found = measure([SMALL, LAMBDA], batch_size="auto", store=store, threads=1)
    assert statuses(found) == ["ok", "oom"]  # the one that is known, and the one that never fits


def test_an_interruption_keeps_what_was_measured(workers, store):
    def interrupt(event):
        if isinstance(event, Sampled) and event.round == 2:
            raise KeyboardInterrupt

    found = measure([SMALL, LAMBDA], store=store, threads=1, progress=interrupt)
    assert found.interrupted
    assert statuses(found) == ["running", "running"]
    assert sorted(found[0].measurement.rounds) == [1, 2]
    assert statuses(measure([SMALL, LAMBDA], store=store, threads=1)) == ["ok", "ok"]


def test_a_result_is_a_table_a_frame_and_html(workers, store):
    found = measure([SMALL, LAMBDA], baseline=SMALL, store=store, threads=1)
    assert len(found) == 2
    frame = found.to_frame()
    assert list(frame["architecture"]) == [SMALL, LAMBDA]
    assert list(frame["median_ms"]) == [1000.0, 1000.0]
    assert "latency ratio" in str(found)
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize("mode", ["inference", "train"])
def test_flops_of_a_step_are_exact(workers, store, mode):
    found = measure(SMALL, mode=mode, store=store, threads=1)
    (row,) = found.to_frame().to_dict("records")
    assert row["flop_count"] == "exact"
    assert row["flop_rate"] == count(SMALL, mode=mode).flops / (row["median_ms"] / 1e3)


def test_the_plan_comes_first(workers, store):
    events = []
    measure([SMALL, LAMBDA], store=store, threads=1, progress=events.append)
    assert isinstance(events[0], Planned)
    assert [job.architecture for job in events[0].jobs] == [SMALL, LAMBDA]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"batch_size": "many"}, SetupError, "batch_size=many: expected"),
        ({"batch_size": 0}, SetupError, "batch_size=0: expected"),
        ({"dtype": "fp31"}, SetupError, "did you mean fp32"),
        ({"seconds": 0}, SetupError, "seconds=0: expected"),
        ({"baseline": "resnt18"}, ArchitectureError, "did you mean resnet"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(workers, store, options, error, words):
    with pytest.raises(error, match=words):
        measure(SMALL, store=store, **options)
    assert workers.started == 0


@pytest.mark.slow
def test_running_out_of_memory_is_a_result_and_costs_only_that_case(store):
    found = measure(SMALL, batch_size=[1, 50_000], memory_limit=0.4, store=store, **QUICK)
    assert statuses(found) == ["ok", "oom"]
    assert "allocate" in found[1].measurement.reason
    assert found[1].measurement.setup.batch_size == 50_000  # as asked, not shrunk


@pytest.mark.slow
def test_a_crash_costs_only_its_case(store):
    killed = []

    def kill_the_second(event):
        if isinstance(event, Sampled) and not killed:
            children = psutil.Process().children()
            workers = [each for each in children if any("timing/worker/__main__.py" in word for word in each.cmdline())]
            max(workers, key=lambda child: child.create_time()).kill()
            killed.append(event)

    found = measure([SMALL, LAMBDA], store=store, progress=kill_the_second, **QUICK)
    assert statuses(found) == ["ok", "crash"]
    assert "killed" in found[1].measurement.reason


@pytest.mark.slow
def test_killed_runs_are_resumed(tmp_path):
    path = tmp_path / "s.db"
    names = [SMALL, LAMBDA]
    command = [*MODULE, "time", *names, "--store", str(path), "--threads", "1"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with started(*command, "--seconds", "600", "--spread", "1e-9", **silent) as process:
        wait_until(lambda: has_rounds(path), process)
        process.kill()
    with Store(path) as store:
        before = {m.uid: m for m in find_measurements(store)}
    subprocess.run([*command, "--seconds", "0.1"], check=True, stdout=subprocess.DEVNULL)
    with Store(path) as store:
        found = {m.uid: m for m in find_measurements(store)}
    for uid, m in before.items():
        assert found[uid].rounds == m.rounds
    finished = [m.architecture for m in found.values() if m.status == "ok"]
    assert sorted(finished) == sorted(names)  # each once: none lost, none repeated


@pytest.mark.slow
def test_better_quality_than_what_is_stored_is_measured_again(workers, store):
    workers.fates = {SMALL: "restless"}
    (weak,) = measure(SMALL, seconds=0.01, spread=0.1, store=store, threads=1)
    assert not weak.stored
    (again,) = measure(SMALL, seconds=0.01, spread=0.1, store=store, threads=1)
    assert (again.stored, again.measurement.uid) == (True, weak.measurement.uid)  # no better was asked for
    workers.fates = {}
    (better,) = measure(SMALL, seconds=5, spread=0.1, store=store, threads=1)
    assert not better.stored
    assert better.measurement.summary.spread < 0.1


def test_stored_rows_say_so(workers, store):
    measure(SMALL, store=store, threads=1)
    found = measure([SMALL, LAMBDA], store=store, threads=1)
    assert [timing.stored for timing in found] == [True, False]
    m = found[0].measurement
    line = f"stored: {SMALL}, measured {m.started[:10]}"
    text = " ".join(str(found).split())
    assert line in text
    assert f"{len(m.samples)} samples, session {m.session[:8]}" in text
    assert "Rows of different sessions were not measured in interleaved rounds." in text
    assert list(found.to_frame()["stored"]) == [True, False]
