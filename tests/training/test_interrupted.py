"""A run that was killed, interrupted or out of time ends as one that nobody disturbed."""

import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from itertools import count

import pytest
import torch

from lambda_arch import train
from lambda_arch.training import checkpoints
from lambda_arch.training.runs import RunStatus
from lambda_arch.training.trainer import Trainer
from tests.training.checks import assert_same, weights_of
from tests.training.conftest import TINY
from tests.waiting import HANGS

RICH = {"mixup": 0.2, "hflip": 0.5, "drop": 0.3, "model_ema": 0.8, "warmup_epochs": 1, "clip_grad": 1.0}
MOMENTS = [(Trainer, "step"), (os, "fsync"), (os, "replace"), (os, "rename"), (shutil, "rmtree")]


def train_and_die(moment, said, threads, *arguments, **keywords):
    """Train in this process, and kill it before the so many-th step or change of a file."""
    torch.set_num_threads(threads)
    passed = count(1)

    def mortal(name, call):
        def run(*args, **kwargs):
            if next(passed) == moment:
                said.send(name)
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return run

    for owner, name in MOMENTS:
        setattr(owner, name, mortal(name, getattr(owner, name)))
    train(*arguments, **keywords)


@pytest.mark.slow
def test_killed_at_every_moment_of_an_epoch_a_run_ends_as_an_undisturbed_one(tmp_path, corners, quick):
    """Each process dies one moment later than the one before, of steps and of all that writes a checkpoint."""
    recipe = replace(quick, epochs=4, batch_size=24, opt="adamw", **RICH)
    undisturbed = train(TINY, corners, recipe, output=tmp_path / "undisturbed")
    processes = multiprocessing.get_context("forkserver")
    slow_to_import = ["torch._dynamo", "kornia.augmentation", "lambda_arch.timing.worker.machine"]
    processes.set_forkserver_preload(["lambda_arch.training.loop", *slow_to_import, __name__])
    arguments = (torch.get_num_threads(), TINY, corners, recipe)
    keywords = {"output": tmp_path / "killed", "resume": True, "store": tmp_path / "s.db"}
    heard, said = processes.Pipe(duplex=False)
    killed = []
    for moment in count(1):
        process = processes.Process(target=train_and_die, args=(moment, said, *arguments), kwargs=keywords)
        process.start()
        process.join(HANGS)
        assert process.exitcode in (0, -signal.SIGKILL)
        if process.exitcode == 0:
            break
        killed.append(heard.recv())
    assert set(killed) == {name for _, name in MOMENTS} and len(killed) > 12
    runs = train(TINY, corners, recipe, output=tmp_path / "killed", resume=True)
    assert_same(weights_of(undisturbed), weights_of(runs))
    figures = [[(e.loss, e.val_loss, e.top1, e.lr) for e in run[0].epochs] for run in (undisturbed, runs)]
    assert figures[0] == figures[1]
    ours, theirs = ({path.name for path in run[0].folder.iterdir()} for run in (undisturbed, runs))
    assert ours == theirs  # nothing half written is left over


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_in_the_middle_of_an_epoch(tmp_path, corners, quick, monkeypatch, number):
    recipe = replace(quick, epochs=3, **RICH)
    undisturbed = train(TINY, corners, recipe, output=tmp_path / "undisturbed")
    step, calls = Trainer.step, 0

    def interrupted(*args):
        nonlocal calls
        calls += 1
        if calls == 5:
            os.kill(os.getpid(), number)
        return step(*args)

    monkeypatch.setattr("lambda_arch.training.trainer.Trainer.step", interrupted)
    before = signal.getsignal(number)
    run = train([TINY, f"{TINY[:-2]}17"], corners, recipe, output=tmp_path / "stopped")
    assert signal.getsignal(number) == before
    assert len(run) == 1  # no other begins
    assert run[0].status == (RunStatus.TERMINATED if number == signal.SIGTERM else RunStatus.INTERRUPTED)
    assert [path.name for path in run[0].folder.glob("checkpoint-*")] == ["checkpoint-1-2"] and calls == 5
    resumed = train(TINY, corners, recipe, output=tmp_path / "stopped", resume=True)
    assert calls == 9  # five before, four after
    assert_same(weights_of(undisturbed), weights_of(resumed))
    assert resumed[0].epochs[1].loss == undisturbed[0].epochs[1].loss


def test_out_of_time_it_saves_and_stops(tmp_path, corners, quick):
    run = train(TINY, corners, quick, output=tmp_path, hours=1e-9)[0]
    assert run.status == RunStatus.OUT_OF_TIME and checkpoints.newest(run.folder).name == "checkpoint-0-1"
    finished = train(TINY, corners, quick, output=tmp_path, resume=True)
    assert finished[0].status == RunStatus.FINISHED
    assert train(TINY, corners, quick, output=tmp_path, resume=True)[0].epochs == finished[0].epochs
