import csv
import errno
import io
import json
import os
import resource
import signal
import subprocess
from itertools import product

import numpy as np
import pytest
from PIL import Image

from tests.command_line import MODULE, started
from tests.waiting import HANGS, wait_until

ARCHITECTURE = "lambda_mobilenet:layers=CCCCCCL-----C-,classes=10"  # as it is printed
FLAGS = {"--data": "digits", "--recipe": "digits", "--epochs": "1", "--batch-size": "16", "--limit-images": "32"}


def quick(*others):
    """Return the flags of a quick run, with others in their place or after them."""
    replaced = dict(zip(others[::2], others[1::2], strict=True)) if others and others[0] in FLAGS else {}
    rest = () if replaced else others
    return (*(word for flag in (FLAGS | replaced).items() for word in flag), *rest)


QUICK = quick()


@pytest.fixture
def trained(run_cli, tmp_path):
    """Train once, and return what was written and where."""
    code, out, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", tmp_path, "--seed", "3")
    assert code == 0, err
    assert err == ""  # quiet in a pipe
    return tmp_path, list(csv.DictReader(io.StringIO(out)))


@pytest.mark.slow
def test_train_evaluate_and_continue(run_cli, trained, monkeypatch):
    output, rows = trained
    assert [(row["architecture"], row["recipe"], row["seed"], row["epochs"], row["status"]) for row in rows] == [
        (ARCHITECTURE, "digits", "3", "1", "finished")
    ]
    weights = next(output.glob("*/final.safetensors"))
    assert str(weights.parent) == rows[0]["folder"]
    data = ("--weights", weights, "--data", "digits", "--limit-images", "32")
    code, out, err = run_cli("evaluate", ARCHITECTURE, *data, "--format", "json")
    assert code == 0, err
    found = json.loads(out)
    assert found["images"] == 32 and found["top1"] == float(rows[0]["top1"])
    assert [each["class"] for each in found["classes"]] == list("0123456789")
    code, _, err = run_cli("evaluate", "resnet50", *data)
    assert code == 2 and f"holds {ARCHITECTURE}; expected resnet50" in err
    code, _, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", output, "--seed", "3")
    assert code == 2 and "has a checkpoint; expected --resume" in err and err.count("\n") == 1
    monkeypatch.setattr("lambda_arch.cli.interrupts.LONG", 0.0)
    code, out, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", output, "--seed", "3", "--resume")
    assert code == 0 and list(csv.DictReader(io.StringIO(out))) == rows
    assert err.startswith("kept in ") and err.endswith("; `lambda-arch runs` shows them\n")


@pytest.mark.slow
def test_runs_can_be_drawn(run_cli, tmp_path):
    code, out, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", tmp_path / "a", "--plot", "-")
    assert code == 0 and "top-1 (%)" in out, err
    plot = tmp_path / "curves.svg"
    code, _, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", tmp_path / "b", "--plot", plot)
    assert code == 0 and "<svg" in plot.read_text(), err
    code, _, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", tmp_path / "c", "--plot", "curves.gif")
    assert code == 2 and not (tmp_path / "c").exists()


def test_a_dry_run_shows_and_trains_nothing(run_cli, tmp_path):
    command = ("train", ARCHITECTURE, *quick("--epochs", "40"), "--output", tmp_path, "--dry-run", "--format", "json")
    code, out, err = run_cli(*command)
    assert code == 0, err
    plan = json.loads(out)
    assert (plan["images"], plan["epochs"], plan["steps"]) == (32, 40, 80)
    assert plan["seconds"] == pytest.approx(80 * plan["step_seconds"])
    rates = [epoch["lr"] for epoch in plan["schedule"]]
    assert max(rates) == rates[1] and rates[-1] < 1e-4
    assert plan["activations_memory"] > 16 * 3 * 32 * 32 * 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--recipe", "papr"), "did you mean paper?"),
        (("--lr", "fast"), "--lr fast: expected a number above 0"),
        (("--nesterov", "--opt", "adamw"), "--nesterov: expected it with --opt sgd"),
        (("--sched", "step"), "such as --decay-epochs 30,60,90"),
        (("--classes", "5"), "expected classes=10"),
        (("--data", "nowhere"), "nowhere: no such folder"),
        (("--device", "cuda"), "--device cuda"),
        (("--drop-path", "0.1"), "--drop-path 0.1: lambda_mobilenet"),
        (("--limit-images", "8"), "--batch-size 16: expected at most the 8 training images"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(run_cli, tmp_path, flags, words):
    code, out, err = run_cli("train", ARCHITECTURE, *quick(*flags), "--output", tmp_path)
    assert code == 2 and out == "" and words in err and err.count("\n") == 1, err
    assert not list(tmp_path.iterdir())


def test_a_file_system_that_takes_no_more_ends_the_run_in_a_line_and_keeps_the_checkpoint(run_cli, tmp_path):
    command = ("train", ARCHITECTURE, *QUICK, "--output", tmp_path / "runs", "--resume", "--store", tmp_path / "s.db")
    assert run_cli(*command, "--hours", "1e-9").code == 0
    (checkpoint,) = tmp_path.glob("runs/*/checkpoint-*")
    before = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))  # less than the weights
    try:
        code, out, err = run_cli(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 2 and out == "" and err.count("\n") == 1, err
    assert "checkpoint-1-0" in err and os.strerror(errno.EFBIG) in err
    assert {path.name: path.read_bytes() for path in checkpoint.iterdir()} == before
    assert [path.name for path in checkpoint.parent.glob("*checkpoint*")] == [checkpoint.name]
    assert run_cli(*command).code == 0


def images_of_noise(folder):
    """Write an image folder of ten classes, four images of each on both sides."""
    draw = np.random.RandomState(0)
    for side, label, i in product(("train", "val"), range(10), range(4)):
        path = folder / side / str(label) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.randint(0, 256, (8, 8, 3)).astype(np.uint8)).save(path)
    return folder


def test_damaged_images_are_named_or_counted(run_cli, tmp_path):
    data = images_of_noise(tmp_path / "data")
    damaged = [data / "train" / "3" / "1.png", data / "val" / "4" / "0.png"]
    for path in damaged:
        path.write_bytes(b"")
    command = ("train", ARCHITECTURE, *quick("--data", data, "--limit-images", "40"), "--output", tmp_path / "runs")
    code, out, err = run_cli(*command)
    assert code == 2 and out == "" and err.count("\n") == 1 and str(damaged[0]) in err
    code, out, err = run_cli(*command, "--resume", "--skip-damaged")
    assert code == 0 and out.count("\n") == 2
    assert f"note: {ARCHITECTURE}: 2 damaged images left out; the first: {damaged[0]}" in err and err.count("\n") == 1
    weights = next(tmp_path.glob("runs/*/final.safetensors"))
    evaluation = ("evaluate", "--weights", weights, "--data", data)
    assert str(damaged[1]) in run_cli(*evaluation).err
    code, out, err = run_cli(*evaluation, "--skip-damaged", "--format", "table")
    assert code == 0 and err == "" and "1 damaged images left out; the first: " in " ".join(out.split())


def test_images_that_vanish_end_the_run_in_a_line_that_names_one(run_cli, tmp_path, monkeypatch):
    from lambda_arch.training.trainer import Trainer

    flags = quick("--data", images_of_noise(tmp_path / "data"), "--epochs", "2")
    command = ("train", ARCHITECTURE, *flags, "--output", tmp_path / "runs", "--resume")
    undisturbed = run_cli("train", ARCHITECTURE, *flags, "--output", tmp_path / "other")
    assert undisturbed.code == 0, undisturbed.err
    step, away = Trainer.step, tmp_path / "away"

    def vanishing(*arguments):
        if arguments[2] == (1, 0):
            (tmp_path / "data").rename(away)
        return step(*arguments)

    monkeypatch.setattr(Trainer, "step", vanishing)
    code, out, err = run_cli(*command)
    assert code == 2 and out == "" and err.count("\n") == 1, err
    assert str(tmp_path / "data" / "train") in err and ".png" in err
    code, _, err = run_cli(*command)
    assert code == 2 and err.count("\n") == 1 and "no such folder" in err
    assert [path.name for path in tmp_path.glob("runs/*/checkpoint-*")] == ["checkpoint-1-0"]
    away.rename(tmp_path / "data")
    monkeypatch.undo()
    assert run_cli(*command).code == 0
    ours, theirs = (next(tmp_path.glob(f"{name}/*/final.safetensors")) for name in ("runs", "other"))
    assert ours.read_bytes() == theirs.read_bytes()


def test_an_interrupted_run_says_how_to_go_on(run_cli, tmp_path, monkeypatch):
    from lambda_arch.training.trainer import Trainer

    step = Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *args: os.kill(os.getpid(), 15) or step(*args))
    code, out, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", tmp_path)
    assert code == 143 and "terminated: the run is saved" in err and "--resume" in err
    assert ",terminated," in out
    monkeypatch.undo()
    assert run_cli("train", ARCHITECTURE, *QUICK, "--output", tmp_path, "--resume")[0] == 0


@pytest.mark.slow
def test_on_a_terminal_every_epoch_is_shown(run_cli, tmp_path):
    code, out, err = run_cli("train", ARCHITECTURE, *quick("--epochs", "2"), "--output", tmp_path, terminal=True)
    assert code == 0 and "Training runs" in out
    assert "epoch 1/2  loss" in err and "epoch 2/2  loss" in err and "images/s" in err
    code, _, err = run_cli("train", ARCHITECTURE, *QUICK, "--output", tmp_path / "b", "--quiet", terminal=True)
    assert code == 0 and err == ""


@pytest.mark.slow
def test_a_killed_process_goes_on_as_an_undisturbed_one(run_cli, tmp_path):
    """At every moment of a checkpoint: tests/training/test_interrupted.py."""
    arguments = (*quick("--epochs", "3"), "--mixup", "0.2", "--model-ema", "0.9", "--workers", "1")
    assert run_cli("train", ARCHITECTURE, *arguments, "--output", tmp_path / "undisturbed").code == 0
    command = [*MODULE, "train", ARCHITECTURE, *arguments, "--output", tmp_path / "killed"]
    with started(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: list(tmp_path.glob("killed/*/checkpoint-*")) or process.poll() is not None)
        process.kill()
        assert process.wait(HANGS) in (0, -signal.SIGKILL)  # 0: it was quicker
    assert run_cli("train", ARCHITECTURE, *arguments, "--resume", "--output", tmp_path / "killed").code == 0
    ours, theirs = (
        next(tmp_path.glob(f"{name}/*/final.safetensors")).read_bytes() for name in ("undisturbed", "killed")
    )
    assert ours == theirs
