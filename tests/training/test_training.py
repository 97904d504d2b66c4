"""What a run learns, writes and reports."""

import csv
from dataclasses import replace
from shutil import which

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from lambda_arch import build, evaluate, parse, train
from lambda_arch.errors import DataError, SetupError, TrainingError
from lambda_arch.nn import set_evaluation
from lambda_arch.training import checkpoints
from lambda_arch.training.batches import Batch, TrainingBatches
from lambda_arch.training.distributed import World
from lambda_arch.training.recipe import Recipe
from lambda_arch.training.runs import RunStatus
from lambda_arch.training.seeds import seed_of
from lambda_arch.training.session import Session
from lambda_arch.training.trainer import Trainer
from tests.training.checks import assert_same, refused, weights_of
from tests.training.conftest import TINY, make_data


@pytest.mark.slow
def test_a_run_is_what_a_bare_loop_does(tmp_path, corners, quick):
    runs = train(TINY, corners, replace(quick, epochs=3, smoothing=0.1), output=tmp_path, seed=5)
    torch.manual_seed(seed_of(5, "weights"))
    network = build(TINY)
    set_evaluation(network, "auto", 8, training=True)
    optimizer = torch.optim.SGD(network.parameters(), 0.05, 0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 9)
    source = TrainingBatches(corners.train, 16, 8, 5)
    seen = []
    for epoch in range(3):
        for step in range(3):
            batch = source[epoch, step]
            seen += batch.labels.tolist()
            loss = nn.functional.cross_entropy(
                network((batch.images.float() / 255 - 0.5) / 0.25), batch.labels, label_smoothing=0.1
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    assert_same(weights_of(runs), network.state_dict())
    assert sorted(seen[:24]) == sorted(corners.train.labels.tolist())  # every image, once an epoch


def a_step(recipe, data, batch, *, norms):
    """Return the parameters after a step, and the sums of its figures; without ``norms``, norms stay as they are."""
    trainer = Trainer(parse(TINY), data, recipe, Session(), 0, World(0, 1, torch.device("cpu")))
    for module in trainer.network.modules():
        if isinstance(module, nn.BatchNorm2d) and not norms:
            module.eval().train = lambda mode=True: None
    trainer.step(batch, (0, 0))
    return dict(trainer.network.named_parameters()), trainer.sums


@pytest.mark.parametrize("norms", [True, False])
def test_accumulated_gradients_are_those_of_the_whole_batch(corners, quick, norms):
    recipe = replace(quick, batch_size=24, smoothing=0.1, clip_grad=0.5)
    images = corners.train.load(range(6 if norms else 24), 16)
    labels = torch.from_numpy(corners.train.labels[: len(images)])
    # a part of a batch has its own statistics: with four equal parts they are those of the whole
    batch = Batch(images.repeat(24 // len(images), 1, 1, 1), labels.repeat(24 // len(images)), [])
    whole, sums = a_step(recipe, corners, batch, norms=norms)
    parts, other_sums = a_step(replace(recipe, grad_accum_steps=4), corners, batch, norms=norms)
    start = build_with_seed()
    for name, parameter in whole.items():
        assert torch.allclose(parameter, parts[name], rtol=1e-3, atol=1e-5), name
    assert any(not torch.allclose(parameter, start[name], atol=1e-4) for name, parameter in whole.items())
    assert torch.allclose(sums, other_sums)


def build_with_seed():
    torch.manual_seed(seed_of(0, "weights"))
    return dict(build(TINY).named_parameters())


def test_a_run_accumulates_and_continues(tmp_path, corners, quick):
    recipe = replace(quick, grad_accum_steps=2, drop=0.2)
    undisturbed = train(TINY, corners, recipe, output=tmp_path / "a")
    train(TINY, corners, recipe, output=tmp_path / "b", hours=1e-9)
    resumed = train(TINY, corners, recipe, output=tmp_path / "b", resume=True)
    assert_same(weights_of(undisturbed), weights_of(resumed))
    refused(
        DataError,
        "of grad_accum_steps=2, not 4",
        TINY,
        corners,
        recipe,
        grad_accum_steps=4,
        resume=True,
        output=tmp_path / "a",
    )


@pytest.mark.slow
def test_it_learns_logs_and_reports(tmp_path, corners):
    seen = []
    recipe = Recipe(epochs=6, batch_size=8, opt="adamw", lr=3e-3, weight_decay=0.01, decay="weights", warmup_epochs=1)
    run = train(TINY, corners, recipe, output=tmp_path, progress=seen.append)[0]
    assert run.status == RunStatus.FINISHED and run.epochs[-1].loss < run.epochs[0].loss / 2
    assert run.epochs[-1].train_top1 > 80
    rows = list(csv.DictReader((run.folder / "log.csv").open()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[-1]["top1"]) == run.top1
    ends = [event.done for event in seen if event.done]
    assert tuple(ends) == run.epochs
    assert seen[0].steps == 3 and seen[0].epochs == 6
    assert [path.name for path in run.folder.glob("checkpoint-*")] == ["checkpoint-6-0"]
    again = evaluate(TINY, run.weights, corners, batch_size=3)
    assert (again.images, again.top1) == (8, run.top1)
    assert again.loss == pytest.approx(run.epochs[-1].val_loss, rel=1e-4)
    assert sum(right for _, right in again.per_class) * 100 / 8 == again.top1
    assert [of for of, _ in again.per_class] == [2, 2, 2, 2]


@pytest.mark.slow
def test_the_same_seed_is_the_same_run_and_another_is_not(tmp_path, corners, quick):
    first, second, other = (
        weights_of(train(TINY, corners, quick, output=tmp_path / str(i), seed=seed, hflip=0.5, drop=0.2))
        for i, seed in enumerate((1, 1, 2))
    )
    assert_same(first, second)
    assert not torch.equal(first["head.fc.weight"], other["head.fc.weight"])


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(tmp_path, corners, quick, monkeypatch):
    step = Trainer.step

    def diverging(self, batch, place):
        if place == (1, 1):
            with torch.no_grad():
                next(self.network.parameters()).fill_(float("nan"))
        return step(self, batch, place)

    monkeypatch.setattr("lambda_arch.training.trainer.Trainer.step", diverging)
    text = refused(TrainingError, "the loss is nan in epoch 2, step 2", TINY, corners, quick, output=tmp_path)
    assert "checkpoint-1-0" in text
    folder = next(tmp_path.iterdir())
    assert checkpoints.newest(folder).name == "checkpoint-1-0"
    saved = load_file(checkpoints.newest(folder) / "weights.safetensors")
    assert all(torch.isfinite(tensor.float()).all() for tensor in saved.values())


def test_settings_that_do_not_fit_are_refused(tmp_path, corners, quick):
    here = {"output": tmp_path}
    refused(SetupError, "batch_size=64: expected at most the 24", TINY, corners, quick, batch_size=64, **here)
    refused(DataError, "expected classes=4", "lambda_mobilenet@16", corners, quick, **here)
    refused(SetupError, "no residual blocks", TINY, corners, quick, drop_path=0.1, **here)
    refused(SetupError, "named twice", [TINY, TINY], corners, quick, **here)
    refused(SetupError, "workers=-1", TINY, corners, quick, workers=-1, **here)
    refused(SetupError, "hours=-1", TINY, corners, quick, hours=-1, **here)
    refused(SetupError, "no such setting", TINY, corners, quick, batchsize=2, **here)
    assert not list(tmp_path.iterdir())


class Vanishing:
    """Images of which one cannot be read any more."""

    def __init__(self, images, lost):
        self.images, self.lost, self.labels, self.crops = images, lost, images.labels, False

    def load(self, indices, size, seeds=None):
        if self.lost in indices:
            raise DataError(f"{self.lost}.png: damaged image")
        return self.images.load(indices, size, seeds)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_damaged_images_end_the_run_or_are_counted(tmp_path, corners, quick, workers):
    data = replace(corners, train=Vanishing(corners.train, 5), val=Vanishing(corners.val, 2))
    words = "5.png: damaged image"
    refused(DataError, words, TINY, data, quick, output=tmp_path / "a", workers=workers)
    run = train(TINY, data, quick, output=tmp_path / "b", workers=workers, skip_damaged=True)[0]
    assert run.status == RunStatus.FINISHED and run.damaged == ("5.png: damaged image", "2.png: damaged image")
    assert evaluate(None, run.weights, data, skip_damaged=True).images == 7


@pytest.mark.slow
def test_workers_change_nothing(tmp_path, corners, quick):
    alone, helped = (
        weights_of(train(TINY, corners, quick, output=tmp_path / str(workers), workers=workers)) for workers in (0, 2)
    )
    assert_same(alone, helped)


def test_a_moving_average_is_what_counts(tmp_path, corners, quick):
    recipe = replace(quick, model_ema=0.5)
    run = train(TINY, corners, recipe, output=tmp_path)[0]
    last = load_file(checkpoints.newest(run.folder) / "weights.safetensors")
    averaged = load_file(run.weights)
    assert not torch.equal(last["head.fc.weight"], averaged["head.fc.weight"])
    assert evaluate(TINY, run.weights, corners).top1 == run.top1


@pytest.mark.parametrize("amp", ["bf16"])
def test_mixed_precision_and_channels_last(tmp_path, corners, quick, amp):
    run = train(TINY, corners, quick, output=tmp_path, amp=amp, channels_last=True)[0]
    assert run.status == RunStatus.FINISHED
    assert all(tensor.dtype != torch.bfloat16 for tensor in load_file(run.weights).values())


def test_compile_is_asked_for_once_and_the_weights_keep_their_names(tmp_path, corners, quick, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda module: compiled.append(module) or module.forward)
    run = train(TINY, corners, quick, output=tmp_path, compile=True)[0]
    assert len(compiled) == 1 and load_file(run.weights).keys() == build(TINY).state_dict().keys()


@pytest.mark.slow
@pytest.mark.skipif(not (which("g++") or which("clang++")), reason="torch.compile needs a C++ compiler")
def test_a_compiled_step_learns_what_one_that_is_not_compiled_does(tmp_path):
    data, recipe = make_data(train=8), Recipe(epochs=1, batch_size=8, lr=0.05)
    compiled, plain = (
        weights_of(train(TINY, data, recipe, output=tmp_path / str(how), compile=how)) for how in (True, False)
    )
    assert compiled.keys() == plain.keys()
    for name, tensor in compiled.items():
        assert torch.allclose(tensor.float(), plain[name].float(), rtol=1e-3, atol=1e-4), name
