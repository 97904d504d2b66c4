"""A step of a network on a tape: inference, or the forward and backward pass of training."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from lambda_arch.arch import Architecture, Part
from lambda_arch.costs.tape import lambda_layer, reductions, resnet  # noqa: F401  they register their modules
from lambda_arch.costs.tape.modules import call, run
from lambda_arch.costs.tape.tape import FLOAT, LONG, Tape, Tensor


@dataclass(frozen=True)
class Step:
    """What a step allocates, in bytes: ``peak`` by kind, and ``saved`` by the path of the module that saves it.

    ``inputs``: images and labels; ``tensors``: how many tensors of parameters each module has, by its path.
    """

    peak: dict[str, int]
    saved: dict[str, int]
    inputs: int
    tensors: dict[str, int]


def run_step(architecture: Architecture, tape: Tape, batch_size: int, recompute: bool = False) -> Step:
    """Return what a step on ``batch_size`` images allocates.

    ``recompute``: what blocks save is computed again in the backward pass, block by block.
    """
    with _no_collection():
        return _run(architecture, tape, batch_size, recompute)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Do without the search for cycles, which takes a quarter of the time; a tape frees what it holds by counting."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _run(architecture: Architecture, tape: Tape, batch_size: int, recompute: bool) -> Step:
    side = architecture.image_size
    images = tape.new((batch_size, 3, side, side), FLOAT, kind="inputs")
    labels = tape.new((batch_size,), LONG, kind="inputs") if tape.training else None
    inputs = tape.memory.live["inputs"]
    if tape.training:
        loss = _loss(tape, architecture, recompute, images)
        tape.cast.clear()
        tape.backward(loss)
    else:
        call(_network, tape, architecture, recompute, images)
    del labels
    tensors = Counter(path.rpartition(".")[0] for path in tape.parameters)
    return Step(tape.memory.peak, dict(tape.saved), inputs, dict(tensors))


def _loss(tape: Tape, architecture: Architecture, recompute: bool, images: Tensor) -> Tensor:
    logits = call(_network, tape, architecture, recompute, images)
    with tape.at("loss"):
        return reductions.cross_entropy(tape, logits)


def _network(tape: Tape, architecture: Architecture, recompute: bool, x: Tensor) -> Tensor:
    for stage, parts in groupby(architecture.parts(), key=lambda part: part.path.partition(".")[0]):
        again = recompute and stage not in ("stem", "head")
        x = call(_stage, tape, list(parts), again, x)  # a stage's input lives while it runs
    return x


def _stage(tape: Tape, parts: list[Part], recompute: bool, x: Tensor) -> Tensor:
    for part in parts:
        if recompute:
            with tape.at(part.path):
                x = tape.checkpoint(partial(run, tape, part), x)
        else:
            x = call(run, tape, part, x)
    return x
