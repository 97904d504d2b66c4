"""Sweeps on the command line: one row per architecture, one column per swept option."""

import csv
import io
import json

from lambda_arch.costs import count
from tests.command_line import run


def rows(*arguments):
    done = run(*arguments)
    assert done.code == 0, done.err
    return list(csv.DictReader(io.StringIO(done.out)))


def test_params_of_a_sweep_have_a_row_each_and_a_column_per_option(tmp_path):
    out = tmp_path / "ablation.csv"
    assert run("params", "--k", "2,4,8,16", "--h", "1,2,4,8,16", "--u", "1,4", "--out", out).code == 0
    found = list(csv.DictReader(out.open(encoding="utf-8")))
    assert len(found) == 40
    assert list(found[0])[:4] == ["architecture", "k", "h", "u"]
    assert [(row["k"], row["h"], row["u"]) for row in found[:3]] == [("2", "1", "1"), ("2", "1", "4"), ("2", "2", "1")]
    assert [int(row["params"]) for row in found] == [count(row["architecture"]).params for row in found]


def test_names_hold_choices_too_and_flags_apply_on_top():
    found = rows("flops", "lambda_resnet18:k=8|16@64", "resnet18@64", "--image-size", "32,64")
    assert [(row["architecture"], row["k"], row["image_size"]) for row in found] == [
        ("lambda_resnet18:k=8@32", "8", "32"),
        ("lambda_resnet18:k=8@64", "8", "64"),
        ("lambda_resnet18@32", "16", "32"),
        ("lambda_resnet18@64", "16", "64"),
        ("resnet18@32", "", "32"),
        ("resnet18@64", "", "64"),
    ]
    data = json.loads(run("params", "lambda_resnet18:k=8|16", "--format", "json").out)
    assert [row["k"] for row in data] == [8, 16]


def test_a_sweep_is_timed_calibrated_and_predicted(workers, tmp_path):
    common = ["lambda_resnet18@32", "--m", "3,5", "--threads", "1", "--store", tmp_path / "s.db"]
    assert [row["m"] for row in rows("time", *common)] == ["3", "5"]
    assert {word for row in rows("calibrate", *common) for word in ("m=3", "m=5") if word in row["part"]} == {
        "m=3",
        "m=5",
    }
    assert [row["m"] for row in rows("predict", *common)] == ["3", "5"]


def test_too_many_are_refused():
    done = run("params", "--k", "{from=1,to=200,step=1}", "--m", "{from=1,to=121,step=2}")
    assert done.code == 2
    assert "12,200 architectures; expected at most 10,000" in done.err
