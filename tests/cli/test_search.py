"""``lambda-arch search`` and ``pareto``."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from lambda_arch.arch import parse
from lambda_arch.costs import count
from tests.command_line import run

SMALL = """
about = "A small space."
depth = 18
image_size = 64
per = "block"
k = [2, 8]
m = [3, 7]
"""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_no_options_at_all() -> None:
    code, out, err = run("search")
    assert code == 0
    found = rows(out)
    macs = [int(row["macs"]) for row in found]
    top1 = [float(row["top1_predicted"]) for row in found]
    assert len(found) > 20
    assert macs == sorted(macs)
    assert top1 == sorted(top1)
    assert "predicted, not measured" in err
    for row in found[::10]:
        assert count(parse(row["architecture"])).macs == int(row["macs"])


@pytest.mark.parametrize("columns", ["80", "120"])
def test_a_table_says_how_it_was_found(space: Path, columns: str) -> None:
    code, out, _ = run(
        "search", "--space", space, "--minimize", "macs,params", "--maximize", "top1", "--where", "macs<=200M",
        "--format", "table", COLUMNS=columns,
    )  # fmt: skip
    assert code == 0
    text = " ".join(out.split())
    for words in ("The front of small", "65,536 architectures counted", "the front is exact", "knee", "best"):
        assert words in text
    assert "predicted top-1 (%)" in text or "predicted" in text
    assert "where macs<=0.2G" in text


def test_bounds_answer_with_the_best(space: Path) -> None:
    code, out, _ = run("search", "--space", space, "--where", "params<=9.95M", "--format", "json")
    assert code == 0
    data = json.loads(out)
    best = [member for member in data["members"] if "best" in member["mark"]]
    assert best[0]["top1_predicted"] == max(member["top1_predicted"] for member in data["members"])
    assert data["exact"]
    assert data["where"] == ["params<=9.95M"]
    assert data["accuracy"]["left_out_rmse"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["html", "png", "svg", "pdf"])
def test_plots_are_written(tmp_path: Path, space: Path, ending: str) -> None:
    path = tmp_path / f"front.{ending}"
    code, out, err = run("search", "--space", space, "--plot", path, "--out", tmp_path / "front.csv", "--members", 15)
    assert (code, out) == (0, "")
    assert f"{path} written" in err
    content = path.read_bytes()
    start = {"html": b"<!DOCTYPE html>", "png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert content.startswith(start)
    found = rows((tmp_path / "front.csv").read_text())
    assert len(found) == 15
    if ending == "html":
        text = content.decode()
        assert 'src="http' not in text
        assert all(row["architecture"] in text for row in found)


def test_a_plot_in_the_terminal() -> None:
    code, out, _ = run("search", "--plot", "-", COLUMNS="80")
    assert code == 0
    assert "●" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.slow
def test_members_are_verified(space: Path) -> None:
    code, out, _ = run("search", "--space", space, "--minimize", "macs,params", "--maximize", "top1", "--verify", 2)
    assert code == 0
    found = rows(out)
    assert len(found) == 2
    assert all(row["macs"] == row["macs_built"] and row["agree"] == "yes" for row in found)


def test_a_function_of_ones_own(tmp_path: Path, space: Path) -> None:
    (tmp_path / "cost.py").write_text("def energy(a):\n    return sum(b.layer.k for s in a.stages for b in s)\n")
    options = ("search", "--space", space, "--function", "cost.py:energy", "--minimize", "macs", "--maximize", "top1")
    limits = ("--evaluations", 60, "--record", "r.jsonl")
    code, out, err = run(*options, *limits, cwd=tmp_path)
    assert code == 0
    assert "no guarantee" in err
    for row in rows(out):
        layers = [block.layer for stage in parse(row["architecture"]).stages for block in stage]
        assert float(row["energy"]) == sum(layer.k for layer in layers)  # type: ignore[union-attr]
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 61
    assert run(*options, *limits, cwd=tmp_path)[1] == out


def test_own_runs(tmp_path: Path, space: Path) -> None:
    runs = tmp_path / "runs.csv"
    lines = "".join(f"lambda_resnet18:k={k},m=3@64,{90 - k}\n".replace(",m", ";m") for k in (1, 2, 4, 8, 16))
    runs.write_text(
        "architecture,top1\n" + lines.replace("lambda", '"lambda').replace("@64,", '@64",').replace(";", ",")
    )
    code, out, err = run("search", "--space", space, "--accuracy", runs)
    assert code == 0
    assert "fitted on 5 runs (runs.csv)" in err
    assert any("m=7" in row["extrapolated"] for row in rows(out)) or len(rows(out)) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--space", "ablations"], "ablations: no such space (did you mean ablation?)"),
        (["--minimize", "speed"], "speed: no such metric"),
        (["--maximize", "macs"], "macs: more of it is worse; expected --minimize macs"),
        (["--where", "params<16M"], "params<16M: expected <= or >="),
        (["--minimize", "latency", "--device", "abacus"], "abacus"),
        (["--where", "throughput>=100", "--batch-size", "77"], "latency: nothing was calibrated for cpu, batch 77"),
        (["--measure"], "--measure: expected latency among the objectives"),
        (["--plot", "front.gif"], "--plot front.gif: expected a file that ends in .html"),
        (["--members", "0"], "--members 0: expected a whole number from 1"),
        (["--accuracy", "none.csv"], "none.csv: No such file"),
        (["--with-published"], "--with-published: expected --accuracy FILE"),
        (["--function", "cost.py"], "--function cost.py: expected FILE.py:NAME"),
        (["--function", "cost.py:f"], "no file cost.py"),
        (["--record", "r.jsonl"], "--record r.jsonl: only for a search with --function FILE.py:NAME or --measure"),
        (["--space", "blocks", "--where", "params>=15M"], "params>=15M: a bound against what is better"),
        (["--out", "no/where/x.csv"], "No such file or directory"),
        (["--plot", "no/where/x.html"], "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    code, out, err = run("search", *arguments, cwd=tmp_path)
    assert code == 2
    assert out == ""
    lines = [line for line in err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1
    assert message in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", ["--evaluations", "--seed"])
def test_flags_of_another_search_are_refused(flag: str) -> None:
    done = run("search", "--space", "ablation", flag, "10")
    assert done.code == 2
    assert f"{flag} 10: only for a search with --function" in done.err


def test_a_function_that_fails_is_one_line(tmp_path: Path, space: Path) -> None:
    (tmp_path / "cost.py").write_text("def f(a):\n    raise RuntimeError('no device')\nx = 3\n")
    for name, message in (("f", "RuntimeError for"), ("g", "has no function g"), ("x", "has no function x")):
        code, _, err = run("search", "--space", space, "--function", f"cost.py:{name}", cwd=tmp_path)
        assert code == 2
        assert message in err
        assert len(err.splitlines()) == 1


def test_nothing_within_the_bounds_is_said(space: Path, tmp_path: Path) -> None:
    code, out, err = run("search", "--space", space, "--where", "params<=1k", "--format", "table")
    assert code == 1
    assert "nothing in the space keeps the bounds" in out
    least = json.loads(run("search", "--space", space, "--minimize", "params", "--format", "json").out)["members"][0]
    assert f"is in the way: the nearest is {least['architecture']} with" in err
    assert f"{least['params'] / 1e6:.3f} M; expected a looser bound" in err
    assert "0 members" not in out and "MACs (G)" not in out
    code, _, err = run("search", "--space", space, "--where", "params>=1G")
    assert code == 1
    assert "params>=1000M is in the way: the nearest is" in err
    (tmp_path / "cost.py").write_text("def f(a):\n    return 1.0\n")
    asked = ["--function", "cost.py:f", "--evaluations", "8", "--minimize", "params", "--where", "params<=1k"]
    code, _, err = run("search", "--space", space, *asked, cwd=tmp_path)
    assert code == 1 and f"is in the way: the nearest is {least['architecture']} with" in err
    code, out, _ = run("search", "--space", space, "--where", "params<=1k", "--plot", "-")
    assert (code, out) == (1, "nothing to plot\n")


def test_the_front_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("architecture,ms,top1\na,3,77\nb,2,76\nc,4,76.5\nd,OOM,80\n")
    code, out, _ = run("pareto", path, "--minimize", "ms", "--maximize", "top1")
    assert code == 0
    assert [row["architecture"] for row in rows(out)] == ["b", "a"]
    code, out, _ = run("pareto", path, "--minimize", "ms", "--maximize", "top1", "--format", "table")
    assert "2 of 3 rows" in out
    assert "1 row has no number" in out
    code, out, _ = run("pareto", path, "--minimize", "ms", "--maximize", "top1", "--plot", tmp_path / "f.html")
    assert "c" in (tmp_path / "f.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results.csv"], "no objective"),
        (["results.csv", "--minimize", "mz"], "no column mz; it has name, ms, top1"),
        (["none.csv", "--minimize", "ms"], "No such file"),
    ],
)
def test_tables_that_have_no_front(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "results.csv").write_text("name,ms,top1\na,3,77\n")
    code, _, err = run("pareto", *arguments, cwd=tmp_path)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_an_empty_front_has_no_header() -> None:
    code, out, _ = run("search", "--where", "params<=1M", "--format", "table")
    assert code == 1
    assert re.match(r"The front of scaling: no member\nwhere params<=1M; ", out)
    for form in ("md", "latex"):
        out = run("search", "--where", "params<=1M", "--format", form).out
        assert "|" not in out and "tabular" not in out


def test_one_member_is_one_member(space: Path) -> None:
    out = run("search", "--space", space, "--minimize", "params", "--format", "table").out
    assert out.startswith("The front of small: 1 member\n")
