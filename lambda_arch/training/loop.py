"""Epoch after epoch: load, learn, evaluate, save. Imports torch."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from lambda_arch.arch import Architecture
from lambda_arch.errors import DataError, SetupError, TrainingError, shown
from lambda_arch.files import atomic_write
from lambda_arch.nn import to_safetensors
from lambda_arch.training import checkpoints
from lambda_arch.training.batches import Places, TrainingBatches, ValidationBatches, batches
from lambda_arch.training.data import Data
from lambda_arch.training.distributed import World
from lambda_arch.training.evaluating import measure_accuracy
from lambda_arch.training.keeping import Keep
from lambda_arch.training.recipe_file import NamedRecipe, write_recipe
from lambda_arch.training.runs import FINAL, LOG, RECIPE, Epoch, RunStatus, TrainingRun, to_log
from lambda_arch.training.session import Session
from lambda_arch.training.stopping import Stop, Stopper
from lambda_arch.training.trainer import Trainer

REPORT_EVERY = 0.2
"""Seconds between two reports of a step."""
CHECK_EVERY = {"cpu": 1}
"""Steps between two looks at the loss: reading it makes other devices wait."""
SELDOM = 16

STATUS = {
    Stop.OUT_OF_TIME: RunStatus.OUT_OF_TIME,
    Stop.INTERRUPTED: RunStatus.INTERRUPTED,
    Stop.TERMINATED: RunStatus.TERMINATED,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. ``top1`` is of this epoch's training images so far; ``done`` is the epoch that has just ended."""

    architecture: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    top1: float
    images_per_second: float
    seconds_left: float
    done: Epoch | None = None


Callback = Callable[[Progress], None]


@dataclass
class Loop:
    """A run of ``architecture`` in ``folder``, from its last checkpoint there, if it is to ``resume``.

    Raises :class:`lambda_arch.SetupError` for a batch size that the images or the processes do not allow, and for a
    folder with a checkpoint where it is not to resume; :class:`lambda_arch.DataError` for a damaged checkpoint, or one
    of another architecture, recipe, data set or seed.
    """

    architecture: Architecture
    data: Data
    named: NamedRecipe
    session: Session
    seed: int
    world: World
    folder: Path
    resume: bool = False
    progress: Callback | None = None
    keep: Keep | None = None
    device_name: str = ""
    stop_epoch: int | None = None
    history: list[Epoch] = field(default_factory=list)
    damaged: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data.check(self.architecture)
        recipe, images = self.named.recipe, len(self.data.train.labels)
        if recipe.batch_size > images:
            raise SetupError(f"batch_size={recipe.batch_size}: expected at most the {images} training images")
        parts = self.world.size * recipe.grad_accum_steps
        if recipe.batch_size % parts:
            times = "" if recipe.grad_accum_steps == 1 else f" times grad_accum_steps={recipe.grad_accum_steps}"
            raise SetupError(
                f"batch_size={recipe.batch_size}: expected a multiple of the {self.world.size} processes{times}, such "
                f"as {-(-recipe.batch_size // parts) * parts}"
            )
        found = checkpoints.newest(self.folder) if self.folder.is_dir() else None
        if found is not None and not self.resume:
            raise SetupError(f"{self.folder}: has a checkpoint; expected resume=True to continue it, or another output")
        self.trainer = Trainer(self.architecture, self.data, recipe, self.session, self.seed, self.world)
        self.epoch = self.step = 0
        self.spent = self.waited = 0.0  # seconds of this epoch
        if found is not None:
            self._restore(found)
        size = self.architecture.image_size
        share: dict[str, Any] = {
            "rank": self.world.rank,
            "ranks": self.world.size,
            "skip_damaged": self.session.skip_damaged,
        }
        crops = recipe.crop == "resized" and self.data.train.crops
        self.batches = TrainingBatches(self.data.train, size, recipe.batch_size, self.seed, cropped=crops, **share)
        self.validation = ValidationBatches(self.data.val, size, self.trainer.part, **share)

    def run(self, stopper: Stopper) -> TrainingRun:
        """Train to the end, or until ``stopper`` says so, and return the run.

        Raises :class:`lambda_arch.TrainingError` where the loss is not finite, :class:`lambda_arch.DataError` for an
        image that cannot be read, :class:`lambda_arch.SetupError` out of memory, OSError where a file cannot be
        written. The last checkpoint stays.
        """
        recipe, steps = self.named.recipe, self.trainer.steps
        if self.world.main:
            self.folder.mkdir(parents=True, exist_ok=True)
            checkpoints.tidy(self.folder)
            atomic_write(self.folder / RECIPE, write_recipe(self.named))
        places = Places(self.epoch, self.step, recipe.epochs, steps)
        pinned = self.world.device.type == "cuda"
        stream = batches(self.batches, places, self.session.workers, pinned)
        every = CHECK_EVERY.get(self.world.device.type, SELDOM)
        began, taken, reported = time.perf_counter(), 0, 0.0
        last = recipe.epochs if self.stop_epoch is None else min(self.stop_epoch, recipe.epochs)
        while self.epoch < last:
            while self.step < steps:
                start = time.perf_counter()
                batch = next(stream)
                loaded = time.perf_counter()
                self._note(batch.damaged)
                loss = self._learn(batch)
                self.step += 1
                taken += 1
                stop = Stop.NO
                if self.step % every == 0 or self.step == steps:
                    finite = bool(torch.isfinite(loss))
                    stop = Stop(self.world.largest(stopper.reason() if finite else Stop.NOT_FINITE))
                now = time.perf_counter()
                self.spent += now - start
                self.waited += loaded - start
                if stop == Stop.NOT_FINITE:
                    self._ended(RunStatus.NOT_FINITE)
                    raise TrainingError(self._not_finite(float(loss)))
                if stop:
                    self._save()
                    return self._ended(STATUS[stop])
                if now - reported > REPORT_EVERY:
                    reported = now
                    left = (now - began) / taken * (len(places) - taken)
                    self._report(float(loss), taken * recipe.batch_size / (now - began), left)
            self._end_epoch(batch_size=recipe.batch_size)
        if self.epoch < recipe.epochs:
            return self._ended(RunStatus.STOPPED)
        if self.world.main:
            atomic_write(self.folder / FINAL, to_safetensors(self.trainer.evaluated))
        return self._ended(RunStatus.FINISHED)

    def _learn(self, batch: Any) -> torch.Tensor:
        try:
            return self.trainer.step(batch, (self.epoch, self.step))
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
                recipe = self.named.recipe
                raise SetupError(
                    f"batch_size={recipe.batch_size}: out of memory on {self.world.device}; expected smaller parts, "
                    f"such as grad_accum_steps={2 * recipe.grad_accum_steps}, or a smaller batch"
                ) from None
            raise

    def _end_epoch(self, batch_size: int) -> None:
        sums = self.world.total(self.trainer.sums.clone()).tolist()
        found = measure_accuracy(
            self.trainer.evaluated,
            self.architecture,
            self.data,
            self.validation,
            self.trainer.augmentation,
            self.world,
            workers=self.session.workers,
            autocast=self.trainer.amp,
            memory_format=self.trainer.memory_format,
        )
        self._note(found.damaged)
        row = Epoch(
            epoch=self.epoch + 1,
            lr=self.trainer.rate,
            loss=sums[0] / sums[2],
            train_top1=100 * sums[1] / sums[2],
            val_loss=found.loss,
            top1=found.top1,
            top5=found.top5,
            images_per_second=self.trainer.steps * batch_size / self.spent,
            waiting=self.waited / self.spent,
            seconds=self.spent,
        )
        self.history.append(row)
        self.epoch, self.step, self.spent, self.waited = self.epoch + 1, 0, 0.0, 0.0
        self.trainer.sums.zero_()
        self._save()
        self._ended(RunStatus.RUNNING)
        self._report(row.loss, row.images_per_second, 0.0, row)

    def _note(self, damaged: Any) -> None:
        self.damaged.update(dict.fromkeys(damaged))

    def _report(self, loss: float, speed: float, left: float, done: Epoch | None = None) -> None:
        if self.progress is None or not self.world.main:
            return
        epochs, steps = self.named.recipe.epochs, self.trainer.steps
        if done is None:
            _, right, seen = self.trainer.sums.tolist()
            top1, place = 100 * right / max(1, seen), (self.epoch + 1, self.step)
        else:
            top1, place = done.train_top1, (done.epoch, steps)
        name = str(self.architecture)
        self.progress(Progress(name, place[0], epochs, place[1], steps, loss, top1, speed, left, done))

    def _not_finite(self, loss: float) -> str:
        kept = checkpoints.newest(self.folder)
        return (
            f"{self.architecture}: the loss is {loss} in epoch {self.epoch + 1}, step {self.step}; "
            f"{f'the last checkpoint is {kept}' if kept else 'no epoch was finished'}; "
            f"expected a lower lr, or clip_grad"
        )

    def _ended(self, status: RunStatus) -> TrainingRun:
        """Return the run as it is, and keep it."""
        run = TrainingRun(
            architecture=str(self.architecture),
            recipe=self.named,
            data=self.data.name,
            digest=self.data.digest,
            seed=self.seed,
            status=status,
            epochs=tuple(self.history),
            folder=self.folder,
            damaged=tuple(self.damaged),
            device=self.device_name,
        )
        if self.keep is not None and self.world.main:
            self.keep(run)
        return run

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint has to agree in."""
        return {
            "architecture": str(self.architecture),
            "recipe": self.named.recipe.as_dict(),
            "data": self.data.digest,
            "seed": self.seed,
        }

    def _save(self) -> None:
        state = self.trainer.state()
        state["sums"] = self.world.total(self.trainer.sums.clone()).cpu()
        if self.world.main:
            state |= {
                "identity": self._identity(),
                "epoch": self.epoch,
                "step": self.step,
                "spent": self.spent,
                "waited": self.waited,
                "history": [asdict(row) for row in self.history],
                "damaged": list(self.damaged),
            }
            checkpoints.save(self.folder, self.epoch, self.step, self.trainer.networks(), state)
            atomic_write(self.folder / LOG, to_log(self.history))
        self.world.wait()

    def _restore(self, checkpoint: Path) -> None:
        state = checkpoints.load_state(checkpoint)
        mine, theirs = self._identity(), state["identity"]
        if differing := next((key for key in mine if mine[key] != theirs.get(key)), None):
            is_now, was = mine[differing], theirs.get(differing)
            if differing == "recipe" and isinstance(was, dict):
                key = next(key for key in is_now if is_now[key] != was.get(key))
                differing, is_now, was = key, is_now[key], was.get(key)
            raise DataError(f"{checkpoint}: of {differing}={was}, not {is_now}; expected the same, or another output")
        for name, network in self.trainer.networks().items():
            checkpoints.load_weights(network, checkpoint / name)
        try:
            self.trainer.load_state(state)
            self.epoch, self.step = checkpoints.place(checkpoint)
            if (state["epoch"], state["step"]) != (self.epoch, self.step) or self.epoch > self.named.recipe.epochs:
                raise ValueError(f"epoch {state['epoch']}, step {state['step']}")
            self.spent, self.waited = float(state["spent"]), float(state["waited"])
            self.history = [Epoch(**row) for row in state["history"]]
            self._note(state["damaged"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise DataError(f"{checkpoint}: does not fit ({shown(error)})") from None
        if not self.world.main:
            self.trainer.sums.zero_()
