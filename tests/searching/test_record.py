"""The file of a search: of that search alone, in that version, and of one writer."""

import json
import os

import pytest

from lambda_arch.errors import DataError
from lambda_arch.searching import search
from lambda_arch.searching.latency import Latency, calibrated_latency
from lambda_arch.searching.record import VERSION, Record
from lambda_arch.searching.user_function import source_of
from lambda_arch.store import Setup, Store, merge
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.parts import keep_parts
from tests.command_line import run
from tests.store.rows import MACHINE

ABOUT = {"space": "tiny", "seed": 0}
SPACE = "depth = 18\nk = [2, 4, 8]\nimage_size = 32\n"


@pytest.fixture
def path(tmp_path):
    with Record(tmp_path / "r.jsonl", ABOUT) as record:
        record.add("resnet18", [1.0])
    return tmp_path / "r.jsonl"


def known(path, about=ABOUT):
    with Record(path, about) as record:
        return record.known


def test_what_is_kept_comes_back_and_a_cut_line_is_dropped(path):
    assert known(path) == {"resnet18": [1.0]}
    path.write_bytes(path.read_bytes() + b'{"architecture": "res')
    assert known(path) == {"resnet18": [1.0]}
    assert path.read_bytes().endswith(b"]}\n")


def test_a_search_that_stopped_before_its_first_line_was_whole_begins_anew(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"vers')
    assert known(tmp_path / "r.jsonl") == {}
    assert json.loads((tmp_path / "r.jsonl").read_text()) == {"version": VERSION, **ABOUT}


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ({**ABOUT, "version": VERSION, "seed": 1}, "seed"),
        ({**ABOUT, "version": VERSION + 1}, "version"),
        (ABOUT, "version"),
        ({**ABOUT, "version": VERSION, "newer": 1}, "newer"),
        ({}, "version"),
        ([], "version"),
        ("x", "version"),
        (None, "version"),
    ],
)
def test_the_file_of_another_search_or_version_is_refused_and_left(tmp_path, head, word):
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(head) + "\n")
    with pytest.raises(DataError, match=f"{word} was .* expected the same search"):
        known(path)
    assert path.read_text() == json.dumps(head) + "\n"


@pytest.mark.parametrize("line", ["x", "[]", "{}", '{"architecture": "a", "values": [NaN]}', "[" * 100_000, "7"])
def test_a_line_that_is_none_is_refused(path, line):
    path.write_bytes(path.read_bytes() + line.encode() + b"\n")
    with pytest.raises(DataError, match="expected the file of an earlier search"):
        known(path)


def test_one_search_at_a_time_writes(path):
    with Record(path, ABOUT), pytest.raises(DataError, match="another search"):
        known(path)
    assert known(path) == {"resnet18": [1.0]}


def test_a_named_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        known(tmp_path / "pipe")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "space.toml").write_text(SPACE)
    (tmp_path / "f.py").write_text("def f(a): return a.image_size")
    return tmp_path


def ask(folder, **changes):
    asked = {"function": f"{folder / 'f.py'}:f", "evaluations": 3, "record": folder / "r.jsonl", **changes}
    return search(str(folder / "space.toml"), **{"minimize": "macs", **asked})


def test_another_function_of_that_name_is_another_search(folder):
    ask(folder)
    ask(folder)
    (folder / "f.py").write_text("def f(a): return -a.image_size")
    with pytest.raises(DataError, match="function was"):
        ask(folder)


def test_a_function_is_known_by_its_source():
    def nested(architecture):
        return architecture.image_size in {"a", "b"}

    assert source_of(nested) == source_of(nested)
    assert source_of(nested) != source_of(lambda architecture: 1.0)
    assert source_of(eval("lambda architecture: 1.0")) == source_of(eval("lambda architecture: 1.0"))


def test_another_accuracy_file_is_another_search(folder):
    runs = [f"lambda_resnet18:k={k}@{size},{60 + k + size / 32}" for k in (2, 4, 8) for size in (32, 64)]
    (folder / "runs.csv").write_text("\n".join(["architecture,top1", *runs, ""]))
    ask(folder, maximize="top1", accuracy=folder / "runs.csv")
    text = (folder / "runs.csv").read_text()
    (folder / "runs.csv").write_text(text.replace(",6", ",2"))
    with pytest.raises(DataError, match="accuracy was"):
        ask(folder, maximize="top1", accuracy=folder / "runs.csv")


def test_another_setup_is_another_search(folder, monkeypatch):
    monkeypatch.setattr("lambda_arch.searching.whole_networks.WholeLatencies.__call__", lambda self, network: 1.0)
    monkeypatch.setattr("lambda_arch.searching.pareto_search.machine_of", lambda device, store: "f")
    space = str(folder / "space.toml")
    asked = {"evaluations": 3, "record": folder / "r.jsonl", "measure": True, "threads": 1}
    search(space, minimize="latency", batch_size=1, **asked)
    with pytest.raises(DataError, match="setup was"):
        search(space, minimize="latency", batch_size=64, **asked)


def calibrated(digest):
    return Latency(lambda part: 0.001, 1, "cpu", digest)


def test_another_calibration_is_another_search(folder):
    ask(folder, minimize="latency", latency=calibrated("a"))
    ask(folder, minimize="latency", latency=calibrated("a"))
    with pytest.raises(DataError, match="calibration was a there and is b now"):
        ask(folder, minimize="latency", latency=calibrated("b"))


def test_a_calibration_is_known_by_its_values(tmp_path, monkeypatch):
    monkeypatch.setattr("lambda_arch.timing.calibration.fingerprint_of", lambda store, device: "f")
    digests = []
    for seconds in (1.0, 1.0, 2.0):
        with Store(tmp_path / f"{len(digests)}.db") as store:
            keep_machine(store, MACHINE)
            keep_parts(store, "f", Setup(threads=1), "resnet50", {"{}": [seconds]})
        digests.append(calibrated_latency(Setup(threads=1), store.path).digest)
    assert digests[0] == digests[1] != digests[2]


def test_the_store_keeps_values_for_every_search_that_has_the_same_ones(folder):
    (folder / "f.py").write_text(
        "from pathlib import Path\n"
        "def f(a):\n"
        f"    with Path({str(folder / 'calls')!r}).open('a') as calls: calls.write(str(a) + chr(10))\n"
        "    return a.image_size"
    )
    asked = {"record": "store", "store": folder / "s.db"}
    first = ask(folder, **asked)
    calls = (folder / "calls").read_text()
    for changes in ({}, {"seed": 3}, {"where": "macs<=1T"}):  # other searches, of the same networks
        assert len(ask(folder, **asked, **changes)) == len(first)
    lines = (folder / "calls").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 3
    assert (folder / "calls").read_text() == calls
    (folder / "f.py").write_text("def f(a): return -a.image_size")
    assert ask(folder, **asked).totals.tolist() != first.totals.tolist()
    with Store(folder / "other.db") as other:
        assert merge(other, folder / "s.db")["evaluation"] == 6
        assert merge(other, folder / "s.db")["evaluation"] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "None for"),
        ("return float('nan')", "nan for"),
        ("return float('inf')", "inf for"),
        ("return '5'", "5 for"),
        ("return b'5'", "b'5' for"),
        ("return 10 ** 400", "expected a finite number"),
        ("return '\\x1b[31m'", "expected a finite number"),
        ("import sys; sys.exit()", "SystemExit"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("raise KeyError('x')", "KeyError"),
        ("raise BaseException('x')", "BaseException"),
        ("f(a)", "RecursionError"),
    ],
)
def test_a_function_that_returns_no_number_is_one_line_with_exit_code_2(folder, body, words):
    (folder / "f.py").write_text(f"def f(a): {body}")
    code, out, err = run("search", "--space", folder / "space.toml", "--function", f"{folder / 'f.py'}:f")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_a_file_that_exits_is_one_line(folder):
    (folder / "f.py").write_text("import sys; sys.exit()")
    code, out, err = run("search", "--space", folder / "space.toml", "--function", f"{folder / 'f.py'}:f")
    assert (code, out, "does not run: SystemExit" in err) == (2, "", True)


@pytest.mark.parametrize(
    "line",
    [
        "image_size = { from = 32, to = 1000000000000, step = 1 }",
        "image_size = { from = 8, to = inf, times = 2 }",
        "image_size = { from = 32, to = nan, step = 1 }",
        "k = { from = 8, to = 9, times = 1.0000000001 }",
        f"k = {{ from = 1, to = {10**400}, times = 2 }}",
    ],
)
def test_ranges_without_an_end_are_refused(folder, line):
    (folder / "space.toml").write_text(f"depth = 18\n{line}")
    code, out, err = run("search", "--space", folder / "space.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
