import csv
import multiprocessing
import os
import random
import signal
import time
from dataclasses import replace
from math import nan
from shutil import which

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from lambda_arch import build, evaluate, parse, train
from lambda_arch.errors import DataError, LambdaArchError, SetupError, TrainingError
from lambda_arch.nn import set_evaluation
from lambda_arch.training import checkpoints
from lambda_arch.training.batches import Batch, Places, TrainingBatches
from lambda_arch.training.distributed import World
from lambda_arch.training.optimization import learning_rates
from lambda_arch.training.recipe import Recipe
from lambda_arch.training.recipe_file import NamedRecipe
from lambda_arch.training.runs import RunStatus, run_folder
from lambda_arch.training.seeds import seed_of
from lambda_arch.training.session import Session
from lambda_arch.training.trainer import Trainer
from tests.training.conftest import TINY, make_data

LAMBDA = "lambda_mobilenet:classes=4@16"


def weights_of(runs):
    return load_file(runs[0].weights)


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


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
        weights_of(train(LAMBDA, corners, quick, output=tmp_path / str(i), seed=seed, hflip=0.5, drop=0.2))
        for i, seed in enumerate((1, 1, 2))
    )
    assert_same(first, second)
    assert not torch.equal(first["head.fc.weight"], other["head.fc.weight"])


class Killed(BaseException):
    pass


RICH = {"mixup": 0.2, "hflip": 0.5, "drop": 0.3, "model_ema": 0.8, "warmup_epochs": 1, "clip_grad": 1.0}


@pytest.mark.slow
def test_killed_at_twenty_random_moments_a_run_ends_as_an_undisturbed_one(tmp_path, corners, quick, monkeypatch):
    recipe = replace(quick, epochs=7, opt="adamw", **RICH)
    undisturbed = train(TINY, corners, recipe, output=tmp_path / "undisturbed")
    draw = random.Random(3)
    left = 0
    replaced, renamed = os.replace, os.rename

    def mortal(call):
        def run(*args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed  # nothing after it happens, as with SIGKILL
            return call(*args, **kwargs)

        return run

    # every step, and every moment between the writes of a checkpoint
    monkeypatch.setattr("lambda_arch.training.trainer.Trainer.step", mortal(trainer_step()))
    monkeypatch.setattr(os, "replace", mortal(replaced))
    monkeypatch.setattr(os, "rename", mortal(renamed))
    killed = 0
    for _ in range(20):
        left = draw.randint(1, 8)
        try:
            train(TINY, corners, recipe, output=tmp_path / "killed", resume=True)
        except Killed:
            killed += 1
    left = 0
    runs = train(TINY, corners, recipe, output=tmp_path / "killed", resume=True)
    assert killed == 20
    assert_same(weights_of(undisturbed), weights_of(runs))
    figures = [[(e.loss, e.val_loss, e.top1, e.lr) for e in run[0].epochs] for run in (undisturbed, runs)]
    assert figures[0] == figures[1]


def trainer_step():
    from lambda_arch.training.trainer import Trainer

    return Trainer.step


def begin(connection, threads, *arguments, **keywords):
    """Train in this process, once the connection is told that it begins."""
    torch.set_num_threads(threads)
    connection.send("begins")
    train(*arguments, **keywords)


@pytest.mark.slow
def test_killed_by_the_system_at_twenty_random_moments_a_run_ends_as_an_undisturbed_one(tmp_path, corners, quick):
    recipe = replace(quick, epochs=6, batch_size=12, **RICH)
    start = time.monotonic()
    undisturbed = train(TINY, corners, recipe, output=tmp_path / "undisturbed")
    epoch = (time.monotonic() - start) / recipe.epochs
    processes = multiprocessing.get_context("forkserver")
    slow_to_import = ["torch._dynamo", "kornia.augmentation", "lambda_arch.timing.worker.machine"]
    processes.set_forkserver_preload(["lambda_arch.training.loop", *slow_to_import, __name__])
    draw = random.Random(0)
    runs, killed = 1, 0
    while killed < 20:
        ours, theirs = processes.Pipe()
        arguments = (theirs, torch.get_num_threads(), TINY, corners, recipe)
        keywords = {"output": tmp_path / str(runs), "resume": True, "store": tmp_path / "s.db"}
        process = processes.Process(target=begin, args=arguments, kwargs=keywords)
        process.start()
        assert ours.recv() == "begins"
        process.join(draw.uniform(0, 2 * epoch))
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        killed += process.exitcode != 0
        runs += process.exitcode == 0  # it was quicker: begin another
    names = {path.name for path in undisturbed[0].folder.iterdir()}
    for run in range(1, runs + 1):
        ended = train(TINY, corners, recipe, output=tmp_path / str(run), resume=True)
        assert_same(weights_of(undisturbed), weights_of(ended))
        assert {path.name for path in ended[0].folder.iterdir()} == names  # nothing half written is left over


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_in_the_middle_of_an_epoch(tmp_path, corners, quick, monkeypatch, number):
    recipe = replace(quick, epochs=3, **RICH)
    undisturbed = train(TINY, corners, recipe, output=tmp_path / "undisturbed")
    step, calls = trainer_step(), 0

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


def refused(kind, words, *args, **kwargs):
    with pytest.raises(kind) as caught:
        train(*args, **kwargs)
    text = str(caught.value)
    assert isinstance(caught.value, LambdaArchError) and words in text and "\n" not in text, text
    return text


def test_a_checkpoint_of_something_else_is_refused(tmp_path, corners, quick):
    run = train(TINY, corners, quick, output=tmp_path)[0]
    refused(SetupError, "has a checkpoint; expected resume", TINY, corners, quick, output=tmp_path)
    changed = {"output": tmp_path, "resume": True}
    refused(DataError, "of lr=0.05, not 0.1", TINY, corners, quick, lr=0.1, **changed)
    refused(DataError, "of data=", TINY, make_data(seed=1), quick, **changed)
    path = next(run.folder.glob("checkpoint-*"))
    weights = path / "weights.safetensors"
    content = weights.read_bytes()
    for broken in (content[:100], b"", content.replace(b"head.fc.bias", b"head.fc.bxas")):
        weights.write_bytes(broken)
        assert str(weights) in refused(DataError, "", TINY, corners, quick, **changed)
    weights.write_bytes(content)
    state = path / "state.pt"
    whole = state.read_bytes()
    state.write_bytes(whole[: len(whole) // 2])
    assert str(state) in refused(DataError, "damaged checkpoint", TINY, corners, quick, **changed)


ODD_STATES = {
    "epoch": [-1, 10**18, nan, "x", None, 1.5],
    "step": [-5, 10**18, "x"],
    "history": [[{}], "x", [1], [{"epoch": "a"}]],
    "sums": ["x", {}, []],
    "optimizer": [{}, "x", {"state": {}, "param_groups": []}],
    "schedule": ["x"],
    "damaged": [7],
    "spent": ["x"],
    "identity": ["x", {}, []],
}


@pytest.mark.slow
def test_a_checkpoint_whose_state_was_edited_is_refused(tmp_path, corners, quick):
    run = train(TINY, corners, quick, output=tmp_path)[0]
    path = checkpoints.newest(run.folder) / "state.pt"
    state = torch.load(path, weights_only=True)
    for key, values in ODD_STATES.items():
        for value in values:
            torch.save({**state, key: value}, path)
            text = refused(DataError, "", TINY, corners, quick, output=tmp_path, resume=True)
            assert str(path.parent) in text, (key, value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"architectures": "mobilenet:classes=4@16"}, "of architecture=lambda_mobilenet"),
        ({"seed": 1}, "of seed=0, not 1"),
        ({"recipe": "other"}, "of lr=0.05, not 0.1"),
    ],
)
def test_a_checkpoint_that_was_moved_is_still_of_its_own_run(tmp_path, corners, quick, changed, words):
    other = NamedRecipe("other", replace(quick, lr=0.1))
    run = train(TINY, corners, quick, output=tmp_path, hours=1e-9)[0]
    arguments = {"architectures": TINY, "seed": 0} | changed | {"recipe": other if "recipe" in changed else quick}
    named = other.name if "recipe" in changed else "own"
    mine = run_folder(tmp_path, str(parse(arguments["architectures"])), named, arguments["seed"])
    run.folder.rename(mine)
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    text = refused(DataError, words, data=corners, output=tmp_path, resume=True, **arguments)
    assert "expected the same, or another output" in text and str(mine) in text
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before


def test_a_checkpoint_holds_no_pickled_objects(tmp_path, corners, quick):
    run = train(TINY, corners, replace(quick, model_ema=0.9), output=tmp_path)[0]
    path = checkpoints.newest(run.folder)
    torch.load(path / "state.pt", weights_only=True)
    for name in ("weights.safetensors", "ema.safetensors"):
        assert load_file(path / name).keys() == build(TINY).state_dict().keys()


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(tmp_path, corners, quick, monkeypatch):
    step = trainer_step()

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


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, corners, quick, monkeypatch):
    train(TINY, corners, quick, output=tmp_path, hours=1e-9)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lambda_arch.training.checkpoints.atomic_write", full)
        with pytest.raises(OSError, match="No space left on device") as caught:
            train(TINY, corners, quick, output=tmp_path, resume=True)
    assert "checkpoint-1-0" in caught.value.filename
    folder = next(tmp_path.iterdir())
    assert {path.name for path in folder.glob("*checkpoint*")} == {"checkpoint-0-1"}
    assert train(TINY, corners, quick, output=tmp_path, resume=True)[0].status == RunStatus.FINISHED


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
    run = train(LAMBDA, corners, quick, output=tmp_path, amp=amp, channels_last=True)[0]
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


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"sched": "constant"}, [0.1] * 5),
        ({"sched": "step", "decay_epochs": (1, 3)}, [0.1, 0.01, 0.01, 0.001, 0.001]),
        ({"sched": "cosine", "min_lr": 0.02}, [0.1, 0.0883, 0.06, 0.0317, 0.0226]),
        ({"sched": "cosine-restarts", "restart_epochs": 1, "restart_mul": 3}, [0.1, 0.1, 0.075, 0.025, 0.005]),
        ({"sched": "constant", "warmup_epochs": 2}, [0.1 / 9, 0.1 * 5 / 9, 0.1, 0.1, 0.1]),
    ],
)
def test_schedules(settings, expected):
    """Of four epochs of four steps: the rate at the start of each, and at the last step."""
    recipe = Recipe(epochs=4, batch_size=1, lr=0.1, **settings)
    rates = learning_rates(recipe, 4)
    assert len(rates) == 5
    assert rates[:4] == pytest.approx(expected[:4], rel=0.01)
    if settings["sched"] != "cosine" and settings["sched"] != "cosine-restarts":
        assert rates[4] == pytest.approx(expected[4], rel=0.01)


def test_places_are_the_steps_that_are_left():
    places = Places(1, 2, 3, 3)
    assert list(places) == [(1, 2), (2, 0), (2, 1), (2, 2)] and len(places) == 4
    assert list(Places(1, 3, 3, 3)) == [(2, 0), (2, 1), (2, 2)] and len(Places(3, 0, 3, 3)) == 0
