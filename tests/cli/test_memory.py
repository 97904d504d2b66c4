"""``lambda-arch memory``."""

import csv
import io
import json

import pytest

from lambda_arch import memory


def test_memory_by_kind(run_cli):
    code, out, err = run_cli("memory", "lambda_resnet18@64", "--batch-size", "8", "--mode", "train", "--format", "md")
    assert (code, err) == (0, "")
    assert "**lambda_resnet18 at 64x64: train, batch 8, fp32, cpu, sgd-momentum**" in out
    assert "| saved for backward |" in out


def test_one_row_per_architecture_with_swept_options(run_cli):
    code, out, _ = run_cli("memory", "lambda_resnet18:k=8|16@64", "--mode", "train", "--optimizer", "adamw")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["k"] for row in rows] == ["8", "16"]
    for row in rows:
        found = memory(row["architecture"], mode="train", optimizer="adamw")
        assert int(row["peak"]) == found.peak
        assert int(row["optimizer_state"]) == found.optimizer_state > 2 * found.parameters


def test_several_are_side_by_side_for_people(run_cli):
    code, out, _ = run_cli("memory", "resnet18@64", "resnet26@64", "--format", "md")
    assert code == 0
    assert [line.split("|")[1].strip() for line in out.splitlines() if "resnet" in line] == [
        "resnet18@64",
        "resnet26@64",
    ]


def test_modules(run_cli):
    code, out, _ = run_cli("memory", "resnet18@32", "--mode", "train", "--modules", "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert sum(row["saved"] for row in found["rows"]) == found["saved"]
    assert found["rows"][0]["path"] == "stem.1.conv"


def test_the_largest_batch(run_cli):
    code, out, _ = run_cli("memory", "resnet18@64", "--mode", "train", "--fits", "1GB", "--recompute")
    (row,) = csv.DictReader(io.StringIO(out))
    assert code == 0
    assert int(row["peak"]) <= 1e9
    assert memory("resnet18@64", mode="train", recompute=True, batch_size=int(row["batch_size"]) + 1).peak > 1e9


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--fits", "1MB"), "--fits 1MB: resnet18@64 takes"),
        (("--fits", "24"), "expected what a network could cost"),
        (("--fits", "1GB", "--batch-size", "3"), "expected it without --batch-size 3"),
        (("resnet34", "--modules"), "resnet34"),
        (("resnet50", "--modules"), "resnet50: expected one architecture with --modules"),
        (("--dtype", "fp61"), "--dtype fp61: expected one of fp32, bf16"),
        (("--optimizer", "adamw"), "--optimizer adamw: inference has none; expected it with --mode train"),
        (("--recompute",), "--recompute: saves memory in training; expected --mode train"),
        (("--mode", "trian"), "did you mean train?"),
    ],
)
def test_bad_input_is_one_line(run_cli, flags, words):
    code, out, err = run_cli("memory", "resnet18@64", *flags)
    assert (code, out) == (2, "")
    assert words in err and err.count("\n") == 1
