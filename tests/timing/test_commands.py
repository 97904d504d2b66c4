"""The commands that measure, in this process; their workers only pretend where they need not be processes."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from lambda_arch.store import Store, find_measurements
from lambda_arch.timing.measuring import COLUMNS, Timing
from lambda_arch.timing.rounds import Loading
from tests import command_line
from tests.command_line import MODULE, started
from tests.fake_workers import fake_workers
from tests.store.rows import has_rounds
from tests.waiting import HANGS, wait_until

SMALL = ["resnet18@32", "lambda_resnet18:m=3@32"]
QUICK = ["--threads", "1", "--seconds", "0.3"]


def run(*arguments, code=0):
    done = command_line.run(*arguments)
    assert done.code == code, done.err
    return done.out, done.err


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("timing") / "s.db"
    with fake_workers():
        out, _ = run("time", *SMALL, *QUICK, "--baseline", SMALL[0], "--store", path)
    return path, table(out)


def test_time_says_everything_about_each_network(measured):
    _, rows = measured
    assert [row["architecture"] for row in rows] == SMALL
    for row in rows:
        assert row["status"] == "ok"
        assert float(row["q1_ms"]) <= float(row["median_ms"]) <= float(row["q3_ms"])
        assert float(row["images_per_second"]) == pytest.approx(1e3 / float(row["median_ms"]))
        assert int(row["peak_memory"]) > 1e6
        for name in ("device_name", "torch", "package", "host_cpu", "fingerprint", "started", "threads"):
            assert row[name]
    assert float(rows[0]["ratio"]) == 1
    assert float(rows[1]["ratio"]) > 0


def test_a_runtime_is_a_column_and_a_condition(workers, tmp_path):
    path = tmp_path / "s.db"
    out, _ = run("time", SMALL[0], *QUICK, "--runtime", "torch,openvino", "--store", path, "--format", "table")
    assert "runtime" in out
    assert f"over {SMALL[0]} in torch, round by round" in " ".join(out.split())
    assert "runtime version" not in out
    out, _ = run("results", "--only", "runtime=openvino", "--store", path)
    (row,) = table(out)
    assert (row["runtime"], row["precision"]) == ("openvino", "fp32")
    assert row["runtime_version"]


@pytest.mark.parametrize("evaluation", ["auto", "prepared"])
def test_an_evaluation_is_a_measurement_of_its_own(workers, measured, evaluation, tmp_path):
    before, first = measured
    path = tmp_path / "s.db"
    shutil.copy(before, path)
    (row,) = table(run("time", SMALL[1], *QUICK, "--evaluation", evaluation, "--store", path)[0])
    assert (row["evaluation"], row["status"]) == (evaluation, "ok")
    assert row["uid"] != first[1]["uid"]
    kept = table(run("results", "--only", f"evaluation={evaluation}", "--store", path)[0])
    assert [each["uid"] for each in kept] == [row["uid"]]


def test_a_second_run_measures_nothing_and_fresh_does(workers, measured):
    path, first = measured
    again = table(run("time", *SMALL, *QUICK, "--baseline", SMALL[0], "--store", path)[0])
    assert [row["uid"] for row in again] == [row["uid"] for row in first]
    fresh = table(run("time", SMALL[0], *QUICK, "--fresh", "--store", path)[0])
    assert fresh[0]["uid"] != first[0]["uid"]
    kept = {row["uid"] for row in table(run("results", "--store", path)[0])}
    assert {*(row["uid"] for row in first), fresh[0]["uid"]} <= kept


def test_results_are_listed_filtered_compared_and_exported(measured, tmp_path):
    path, first = measured
    rows = json.loads(run("results", "--only", "architecture=lambda*", "--format", "json", "--store", path)[0])
    assert [row["architecture"] for row in rows] == [SMALL[1]]
    compared = table(run("results", "compare", SMALL[0], "--store", path)[0])
    ratios = {row["uid"]: row["ratio"] for row in compared}
    assert ratios[first[1]["uid"]] == first[1]["ratio"]
    run("results", "compare", SMALL[0], "--only", f"architecture={SMALL[0]}", "--store", path, code=2)  # with itself
    run("results", "export", tmp_path / "all.csv", "--store", path)
    exported = table((tmp_path / "all.csv").read_text())
    assert sum(map(len, json.loads(exported[0]["rounds_seconds"]))) == int(exported[0]["samples"])
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="Parquet is an extra that is not installed here")
    run("results", "export", tmp_path / "all.parquet", "--store", path)
    assert [row["uid"] for row in pyarrow.read_table(tmp_path / "all.parquet").to_pylist()] == [
        row["uid"] for row in exported
    ]


def test_a_file_without_rows_has_the_same_columns(measured):
    path, rows = measured
    out, _ = run("results", "--only", "architecture=none", "--store", path)
    assert out == ",".join(rows[0]) + "\n"
    with Store(path) as store:
        assert tuple(Timing(find_measurements(store)[0]).as_dict()) == COLUMNS == tuple(rows[0])


def test_results_merge_into_another_store(measured, tmp_path):
    path, _ = measured
    _, said = run("results", "merge", path, "--store", tmp_path / "other.db")
    assert said.startswith("added: ")
    theirs, ours = (table(run("results", "--store", each)[0]) for each in (path, tmp_path / "other.db"))
    assert ours == theirs
    run("results", "merge", tmp_path / "none.db", "--store", tmp_path / "new.db", code=2)
    assert not (tmp_path / "new.db").exists()


def test_a_table_is_for_people(measured):
    path, _ = measured
    out, _ = run("results", "--format", "table", "--store", path)
    assert "median" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["time", "resnet18@32", "--device", "cuda:77"], "cuda:77: not here"),
        (["time", "resnet18@32", "--dtype", "fp31"], "did you mean fp32"),
        (["time", "resnet18@32", "--batch-size", "0"], "--batch-size 0"),
        (["time", "resnet18@32", "--batch-size", "1,x"], "--batch-size 1,x"),
        (["time", "resnet18@32", "--seconds", "0"], "--seconds 0"),
        (["time", "resnt18"], "did you mean"),
        (["time", "resnet18@32", "--roofline", "--baseline", "resnet18@32"], "--baseline resnet18@32: expected it"),
        (["time", "--roofline", "--table", "hybrid_stages"], "--table hybrid_stages: expected it without --roofline"),
        (["time", "--table", "hybrid_stages", "--baseline", "resnet18"], "expected it without --table hybrid_stages"),
        (["time", "resnet18@32", "--threads", "0"], "--threads 0: expected a whole number from 1 to"),
        (["time", "resnet18@32", "--threads", "9999"], "--threads 9999: expected a whole number from 1 to"),
        (["time", "resnet18@32", "--memory-limit", "0"], "--memory-limit 0: expected a number of GB over 0"),
        (["time", "resnet18@32", "--dtype", "fp32", "--dtype=bf16"], "--dtype fp32 and --dtype bf16: expected it once"),
        (["time", "resnet18:k=8@32"], "k=8: resnet18 has no lambda layers"),
        (["time", "--table", "hybrid_stage"], "did you mean hybrid_stages"),
        (["time", "--table", "hybrid_stages", "--batch-size", "1,2"], "expected one batch size"),
        (["time", "resnet50", "--table", "hybrid_stages"], "expected no resnet50"),
        (["time", "lambda_resnet50", "--table", "hybrid_stages"], "expected no lambda_resnet50"),
        (["time", "resnet18@32", "--evaluation", "prepard"], "did you mean prepared"),
        (["time", "resnet18@32", "--evaluation", "prepared", "--mode", "train"], "expected --evaluation auto"),
        (["calibrate", "resnet18@32", "--evaluation", "prepared"], "expected --evaluation auto"),
        (["time", "resnet18@32", "--roofline", "--compile"], "--compile and --cuda-graph run the parts as one"),
        (["time", "resnet18@32", "--evaluation", "measured"], "`show` and `autotune` measure"),
        (["time", "resnet18@32", "--evaluation", "auto/sum"], "expected canonical, auto, prepared"),
        (
            ["time", "resnet18@32", "--runtime", "openvino", "--roofline"],
            "expected torch with --roofline",
        ),
        (["time", "--table", "hybrid_stages", "--runtime", "torch,openvino"], "one runtime"),
        (["predict", "resnet18@32", "--evaluation", "prepared"], "expected --evaluation auto"),
        (["predict", "resnet18@32", "--threads", "1"], "were not calibrated"),
        (["predict", "resnet18@32", "--random", "-1"], "--random -1: expected a whole number from 1"),
        (["calibrate", "resnet18@32", "--choices", "kk=8"], "--choices kk=8: expected choices"),
        (["results", "compare", "resnet18@32"], "nothing was measured in one session"),
        (["results", "export", "x.txt"], ".csv or .parquet"),
        (["results", "merge", "none.db"], "no such store"),
        (["results", "--only", "batsh=1"], "did you mean batch"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(arguments, words, tmp_path):
    Store(tmp_path / "s.db").close()
    _, said = run(*arguments, "--store", tmp_path / "s.db", code=2)
    assert words in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["results"],
        ["results", "compare", "resnet18@32"],
        ["results", "export", "all.csv"],
        ["predict", "resnet18@32"],
        ["search", "--minimize", "latency,params"],
        ["runs"],
        ["report"],
        ["compare", "resnet18@32", "resnet18@64"],
        ["tables", "coco"],
    ],
)
def test_commands_that_read_make_no_store(arguments, tmp_path):
    Store(tmp_path / "results.db").close()
    _, said = run(*arguments, "--store", tmp_path / "result.db", code=2)
    assert said == f"lambda-arch: {tmp_path / 'result.db'}: no such store (did you mean results.db?)\n"
    assert not (tmp_path / "result.db").exists()


def test_a_file_that_is_no_store_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    for arguments in (["time", "resnet18@32"], ["results"], ["devices"], ["calibrate", "resnet18@32"]):
        _, said = run(*arguments, "--store", path, code=2)
        assert "not a store" in said
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_prints_what_is_done(tmp_path, ending):
    path = tmp_path / "s.db"
    command = [
        *MODULE,
        "time",
        "resnet18@32",
        "--threads",
        "1",
        "--seconds",
        "600",
        "--spread",
        "1e-9",
        "--store",
        path,
    ]
    with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: has_rounds(path), process)
        os.kill(process.pid, ending)
        out, said = process.communicate(timeout=HANGS)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    (row,) = table(out)
    assert int(row["samples"]) > 0
    with Store(path) as store:
        assert len(find_measurements(store)[0].samples) >= int(row["samples"])


def test_calibrated_blocks_predict_networks(workers, tmp_path):
    path = tmp_path / "s.db"
    common = ["--threads", "1", "--seconds", "0.3", "--store", path]
    blocks = table(run("calibrate", "resnet18@32", "--choices", "m=3", *common)[0])
    assert all(float(row["ms"]) > 0 for row in blocks)
    rows = table(run("predict", "resnet18@32", "--random", "2", "--choices", "m=3", *common)[0])
    assert len(rows) == 2
    assert all(float(row["predicted_ms"]) > 0 and not row["measured_ms"] for row in rows)
    plot = tmp_path / "plot.svg"
    out, _ = run("predict", "resnet18@32", "--measure", "--plot", plot, "--format", "table", *common)
    assert "Error over 1 networks" in out
    assert plot.read_text().lstrip().startswith("<?xml")


def test_roofline_tells_what_bounds_each_stage(workers, tmp_path):
    out, _ = run(
        "time", "resnet18@32", "--roofline", "--threads", "1", "--seconds", "0.3", "--store", tmp_path / "s.db"
    )
    rows = table(out)
    assert [row["part"] for row in rows] == ["stem", "c2", "c3", "c4", "c5", "head"]
    assert {row["bound"] for row in rows} <= {"compute-bound", "memory-bound"}
    assert all(float(row["ms"]) > 0 and int(row["flops"]) > 0 for row in rows)


def test_only_workers_load_torch(tmp_path):
    script = (
        "import sys; import lambda_arch.store as s, lambda_arch.timing as t; s.Store(sys.argv[1]);"
        "s.find_measurements; t.measure; t.calibrate; t.predict; t.roofline;"
        "import lambda_arch.cli.main;"
        "print([name for name in ('torch', 'numpy', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, tmp_path / "s.db"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_choices_may_still_be_called_a_space(workers, tmp_path):
    common = ["--threads", "1", "--store", tmp_path / "s.db"]
    out, said = run("calibrate", "resnet18@32", "--space", "m=3", *common)
    assert "now --choices" in said
    assert any("L m=3" in row["part"] for row in table(out))
    out, said = run("predict", "resnet18@32", "--random", "2", "--space", "m=3", *common)
    assert "--space is now --choices" in said
    assert len(table(out)) == 2


def test_the_largest_batch_is_said(workers, tmp_path):
    workers.largest = 5
    out, said = run("time", "resnet18@32", "--batch-size", "auto", "--threads", "1", "--store", tmp_path / "s.db")
    assert said == "resnet18@32: the largest batch that fits is 5\n"
    assert [(row["batch"], row["auto"]) for row in table(out)] == [("5", "yes")]


def test_a_published_table_is_timed(workers, tmp_path):
    rows = table(run("time", "--table", "hybrid_stages", "--threads", "1", "--store", tmp_path / "s.db")[0])
    assert {row["stages"]: row["ratio"] for row in rows}["CCLL"] == "1.0"
    assert all(row["paper_ratio"] for row in rows)


@pytest.mark.parametrize("batch", ["1", "auto"])
@pytest.mark.parametrize(("fates", "code"), [(["oom", "crash@1"], 1), (["ok", "oom"], 0)])
def test_where_nothing_could_be_measured_the_exit_code_is_1(workers, tmp_path, fates, code, batch):
    workers.fates = {name: fate for name, fate in zip(SMALL, fates, strict=True) if fate != "ok"}
    out, _ = run("time", *SMALL, *QUICK, "--batch-size", batch, "--store", tmp_path / "s.db", code=code)
    assert [row["status"] for row in table(out)] == [fate.partition("@")[0] for fate in fates]


def test_a_warning_names_the_setup_that_it_is_about(workers, tmp_path):
    workers.fates = {SMALL[1]: "disturbed"}
    common = [*QUICK, "--batch-size", "1,2", "--format", "table", "--store", tmp_path / "s.db"]
    out = " ".join(run("time", *SMALL, *common, "--clock", "cpu")[0].split())
    assert out.startswith("a device: cpu, fp32, inference, 1 thread, processor time architecture")
    assert f"! others used about 80% of the processor: {SMALL[1]}, batch 1 and 1 more" in out


def test_where_no_part_could_be_calibrated_the_exit_code_is_1(workers, tmp_path):
    workers.largest = 0
    _, err = run("calibrate", SMALL[0], *QUICK, "--store", tmp_path / "s.db", code=1)
    assert "too large" in err


def test_limits_that_are_no_number_are_refused(tmp_path):
    for flag in ("--timeout", "--memory-limit", "--seconds", "--spread"):
        for value in ("inf", "nan", "1e400"):
            _, err = run("time", SMALL[0], flag, value, "--store", tmp_path / "s.db", code=2)
            assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "shown_by"),
    [
        (["calibrate", "resnet18@32", *QUICK], "predict"),
        (["search", "--space", "{space}", "--measure", "--minimize", "latency", "--evaluations", "2"], "results"),
    ],
)
def test_a_long_command_says_where_its_results_are(workers, tmp_path, monkeypatch, words, shown_by):
    monkeypatch.setattr("lambda_arch.cli.interrupts.LONG", 0.0)
    path, space = tmp_path / "s.db", tmp_path / "space.toml"
    space.write_text('depth = 18\nimage_size = 32\nper = "stage"\nlayer = ["C", "L"]\n')
    words = [word.format(space=space) for word in words]
    _, err = run(*words, "--store", path)
    assert f"kept in {path}; `lambda-arch {shown_by} --store {path}` shows them\n" in err
    assert run(shown_by, *(["resnet18@32", "--threads", "1"] if shown_by == "predict" else []), "--store", path)[0]


def test_calibrating_names_what_was_asked_for(workers, tmp_path, monkeypatch):
    from lambda_arch.cli import calibrate

    seen = []

    @contextmanager
    def watched(*_, **__):
        yield lambda event: seen.append(event.job.title) if isinstance(event, Loading) else None

    monkeypatch.setattr(calibrate, "watch", watched)
    common = [*QUICK, "--store", tmp_path / "s.db"]
    run("calibrate", "resnet50@32", *common)
    run("calibrate", "lambda_resnet18:m=3@32", *common)
    assert seen == ["resnet50@32", "c2.first L m=3 @8, and 7 more"]


def test_what_peaks_and_rooflines_mean_is_said(workers, tmp_path):
    common = ["--threads", "1", "--store", tmp_path / "s.db", "--format", "table"]
    out = " ".join(run("time", "resnet18@32", "--roofline", "--seconds", "0.3", *common)[0].split())
    assert "% of roofline: that time over the measured one" in out
    out = " ".join(run("devices", *common[2:])[0].split())
    assert "name GB fp32 GFLOP/s copy GB/s threads" in out
    assert "Peaks: the best matrix product of each dtype; a copy's bytes, read and written." in out
