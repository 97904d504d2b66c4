"""What a run will take, before it is begun: schedule, steps, memory, and time from a few measured steps."""

import time
from dataclasses import dataclass, field
from statistics import median

from lambda_arch.arch import Architecture
from lambda_arch.costs.footprint import memory
from lambda_arch.errors import SetupError
from lambda_arch.results import Result
from lambda_arch.training.batches import TrainingBatches
from lambda_arch.training.data import Data
from lambda_arch.training.distributed import World
from lambda_arch.training.optimization import learning_rates
from lambda_arch.training.recipe_file import NamedRecipe
from lambda_arch.training.session import Session
from lambda_arch.training.trainer import Trainer

MEASURED, WARMUP = 3, 1
STATES = {"sgd": 1, "rmsprop": 2, "adam": 2, "adamw": 2, "nadam": 2, "radam": 2}
"""Numbers that an optimizer keeps for each parameter, at most."""


@dataclass(frozen=True)
class Plan(Result):
    """What training an architecture by a recipe will take on one device. Memory in bytes.

    ``rates``: the learning rate at the start of each epoch, and at the last step. ``weights_memory`` is of parameters,
    buffers, gradients, the optimizer's state and a moving average; ``activations_memory`` is what else is alive at the
    peak of a step (:func:`lambda_arch.memory`): images, what is saved for the backward pass, temporaries.
    ``step_seconds`` is the median of a few steps, their images included; ``seconds`` is an estimate from it, without
    validation.
    """

    architecture: str
    recipe: NamedRecipe
    images: int
    steps_per_epoch: int
    rates: tuple[float, ...] = field(repr=False)
    weights_memory: int
    activations_memory: int
    step_seconds: float

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.steps_per_epoch * self.recipe.recipe.epochs

    @property
    def seconds(self) -> float:
        """Of the whole run, estimated."""
        return self.steps * self.step_seconds


def make_plan(
    architecture: Architecture, data: Data, named: NamedRecipe, session: Session, seed: int, world: World
) -> Plan:
    """Return the plan of a run; a few of its steps are made, and nothing is kept.

    Raises :class:`lambda_arch.SetupError` for a batch size that the images do not allow.
    """
    recipe = named.recipe
    trainer = Trainer(architecture, data, recipe, session, seed, world)
    if not trainer.steps:
        raise SetupError(f"batch_size={recipe.batch_size}: expected at most the {len(data.train.labels)} images")
    crops = recipe.crop == "resized" and data.train.crops
    source = TrainingBatches(data.train, architecture.image_size, recipe.batch_size, seed, cropped=crops)
    seconds = []
    for i in range(WARMUP + MEASURED):
        start = time.perf_counter()
        batch = source[0, i % trainer.steps]
        if isinstance(batch, Exception):
            raise batch
        float(trainer.step(batch, (0, i % trainer.steps)))
        seconds.append(time.perf_counter() - start)
    return Plan(
        architecture=str(architecture),
        recipe=named,
        images=len(data.train.labels),
        steps_per_epoch=trainer.steps,
        rates=tuple(learning_rates(recipe, trainer.steps)),
        weights_memory=_weights_memory(trainer),
        activations_memory=_activations_memory(architecture, session, trainer.part, recipe.amp),
        step_seconds=median(seconds[WARMUP:]),
    )


def _weights_memory(trainer: Trainer) -> int:
    network = trainer.network
    parameters = sum(each.numel() * each.element_size() for each in network.parameters())
    buffers = sum(each.numel() * each.element_size() for each in network.buffers())
    states = STATES[trainer.recipe.opt] if trainer.recipe.opt != "sgd" or trainer.recipe.momentum else 0
    averages = parameters + buffers if trainer.ema is not None else 0
    return parameters * (2 + states) + buffers + averages


def _activations_memory(architecture: Architecture, session: Session, batch_size: int, amp: str) -> int:
    found = memory(
        architecture,
        batch_size=batch_size,
        mode="train",
        dtype="fp32" if amp == "none" else "bf16",  # elements of fp16 take as much
        evaluation=session.evaluation,
        device="cuda" if session.device.startswith("cuda") else "cpu",
    )
    return sum(found.at_peak[kind] for kind in ("inputs", "saved", "temporaries"))
