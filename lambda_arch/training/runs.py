"""What came of training: a run with its figures by epoch. No torch."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from lambda_arch.results import Results
from lambda_arch.training.recipe_file import NamedRecipe

LOG, RECIPE, FINAL = "log.csv", "recipe.toml", "final.safetensors"
"""Files of a run's folder: figures by epoch, the recipe with its overrides, and what was learned."""


class RunStatus(StrEnum):
    """How a run ended so far."""

    RUNNING = "running"
    """Begun: also what a killed run stays, until it is continued."""
    FINISHED = "finished"
    STOPPED = "stopped early"
    """After as many epochs as asked; it can be continued."""
    OUT_OF_TIME = "out of time"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"
    NOT_FINITE = "not finite"
    """Its loss was no number any more."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Figures of an ``epoch``, counted from 1; ``waiting`` is the share of its time spent waiting for images.

    ``top1``, ``top5`` (percent) and ``val_loss`` are of the validation images. ``lr`` is the learning rate of its last
    step; ``loss`` and ``train_top1`` are of the batches as they were learned, augmented; ``images_per_second`` and
    ``seconds`` are of training, without the validation that follows.
    """

    epoch: int
    lr: float
    loss: float
    train_top1: float
    val_loss: float
    top1: float
    top5: float
    images_per_second: float
    waiting: float
    seconds: float


@dataclass(frozen=True)
class TrainingRun:
    """An ``architecture`` trained by a ``recipe``: its ``status``, its figures by epoch, and where its files are.

    ``data``: the name of the data set, ``digest`` that of its content; ``seed``: of all random numbers; ``epochs``: the
    figures of each; ``folder``: of its files; ``damaged``: images left out; ``device``: its name. ``node``: of a
    cluster, else empty. ``started`` and ``machine`` (its fingerprint and versions): of a stored run.
    """

    architecture: str
    recipe: NamedRecipe
    data: str
    digest: str
    seed: int
    status: RunStatus
    epochs: tuple[Epoch, ...] = field(repr=False)
    folder: Path
    damaged: tuple[str, ...] = ()
    device: str = ""
    node: str = ""
    started: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def top1(self) -> float | None:
        """Of the last epoch, in percent."""
        return self.epochs[-1].top1 if self.epochs else None

    @property
    def seconds(self) -> float:
        """Of training, validation apart."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def weights(self) -> Path:
        """The file of what was learned, once it is finished."""
        return self.folder / FINAL


def run_folder(output: Path, architecture: str, recipe: str, seed: int) -> Path:
    """Return the folder of a run below ``output``: its name has no character that a file system would not take."""
    name = re.sub(r"[^\w.,=@-]+", "-", architecture)
    if len(name) > 100:
        name = f"{name[:90]}-{sha256(architecture.encode()).hexdigest()[:9]}"
    return output / f"{name}-{recipe}-seed{seed}"


def to_log(epochs: Sequence[Epoch]) -> str:
    """Return the CSV log of a run."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [one.name for one in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in epochs)
    return out.getvalue()


@dataclass(frozen=True)
class Runs(Results[TrainingRun]):
    """Several runs, in order. ``interrupted``: whether Ctrl-C came before all of a cluster's were over."""

    interrupted: bool = False

    @property
    def status(self) -> RunStatus:
        """How the last one ended, unless it was interrupted."""
        return RunStatus.INTERRUPTED if self.interrupted else self[-1].status


@dataclass(frozen=True)
class LongRuns(Results[TrainingRun]):
    """Several runs, to be shown with one row per epoch."""
