"""The fastest evaluation of every lambda layer, measured once on this device and kept in the store. Imports torch."""

import copy
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from statistics import median

import torch
from torch import nn

from lambda_arch.arch.evaluation_shapes import sensible_folds
from lambda_arch.nn.evaluation import (
    CANONICAL,
    Evaluation,
    LayerShape,
    candidates,
    choose,
    fused,
    macs,
    parse_evaluation,
)
from lambda_arch.nn.evaluation.cost_model import LOW
from lambda_arch.nn.lambda_layer import LambdaLayer
from lambda_arch.nn.plan import lambda_layers
from lambda_arch.store.choices import keep_choice, read_choice
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.setup import device_name
from lambda_arch.timing.ceilings import use_ceilings
from lambda_arch.timing.protocol.messages import Machine
from lambda_arch.timing.worker.machine import describe_machine
from lambda_arch.timing.worker.timer import Timer

ROUNDS = 5
TOO_MANY = 8  # evaluations with so many times the multiply-accumulates of the cost model's choice are not tried

Measure = Callable[[LambdaLayer, LayerShape, list[Evaluation], bool], dict[Evaluation, float]]


def autotune(
    network: nn.Module,
    batch_size: int = 1,
    *,
    training: bool = False,
    store: Store | None = None,
    progress: Callable[[list[LayerShape]], Iterable[LayerShape]] = iter,
    measure: Measure | None = None,
) -> dict[str, Evaluation]:
    """Set every lambda layer of ``network`` to the fastest evaluation on its device, and return these by path.

    Each distinct shape is measured once at ``batch_size`` images (the forward pass, and with ``training`` also the
    backward pass), with the network's dtype and device, and under autocast if that is on. Results are stored in
    ``store`` (by default the user's own) by machine, shape, dtype and threads. ``measure`` times a shape in the place
    of our own function. Under
    ``torch.use_deterministic_algorithms`` nothing is measured and the cost model chooses.

    Raises SetupError for a layer that does not know the size of its maps and for a prepared network, StoreError for a
    store that cannot be used.
    """
    layers = [(path, layer, layer.layer_shape(batch_size)) for path, layer in lambda_layers(network)]
    if torch.are_deterministic_algorithms_enabled():
        for _, layer, at in layers:
            layer.evaluation = choose(at, _device(layer).type, training)
        return {path: layer.evaluation for path, layer, _ in layers}
    if store is None:
        with Store() as own:
            return autotune(network, batch_size, training=training, store=own, progress=progress, measure=measure)
    first = {at: layer for _, layer, at in reversed(layers)}
    used = {_device(layer) for layer in first.values()}
    machines = {device: describe_machine(device_name(str(device))) for device in used}
    for device, machine in machines.items():
        use_ceilings(store, device, machine)
    known: dict[LayerShape, Evaluation] = {}
    for at in progress(list(first)):
        here = machines[_device(first[at])]
        known[at] = _known_or_measured(store, here, first[at], at, training, measure or measure_layer)
    for _, layer, at in layers:
        layer.evaluation = known[at]
    return {path: known[at] for path, _, at in layers}


def _device(layer: LambdaLayer) -> torch.device:
    return layer.queries.weight.device


def _known_or_measured(
    store: Store, here: Machine, layer: LambdaLayer, at: LayerShape, training: bool, measure: Measure
) -> Evaluation:
    asked = question(layer, at, training)
    known = read_choice(store, here.fingerprint, asked)
    if known:
        with suppress(ValueError):  # stored by a version with other evaluations
            return parse_evaluation(known)
    kind, dtype = _device(layer).type, layer.queries.weight.dtype
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
    seconds = measure(layer, at, tried(at, kind, dtype), training)
    fastest = min(seconds, key=lambda evaluation: seconds[evaluation])
    keep_machine(store, {**here.as_dict(), "fingerprint": here.fingerprint})
    keep_choice(store, here.fingerprint, asked, str(fastest), {str(each): value for each, value in seconds.items()})
    return fastest


def tried(at: LayerShape, device: str = "cpu", dtype: torch.dtype = torch.float32) -> list[Evaluation]:
    """Return the evaluations to measure: all except those with far more to execute than the cost model's choice.

    On CUDA the fused kernel is one of them, if Triton is there. Every fold applies queries in one way, by device and
    ``dtype`` of the products.
    """
    apply = "product" if device == "cuda" or dtype in LOW else "accumulate"
    folds = [Evaluation("folded", apply, fold=fold) for fold in sensible_folds(at.reach)[1:]]
    limit = TOO_MANY * macs(choose(at), at)
    fusing = [Evaluation("fused")] if device == "cuda" and fused.has_triton() and at.scope is not None else []
    return [e for e in (*candidates(), *folds, *fusing) if e == CANONICAL or macs(e, at) <= limit]


def measure_layer(
    layer: LambdaLayer, at: LayerShape, evaluations: list[Evaluation], training: bool
) -> dict[Evaluation, float]:
    """Return the median seconds of each evaluation, measured in interleaved rounds, on a copy of ``layer``."""
    copied = copy.deepcopy(layer).train(training)
    weight = copied.queries.weight
    x = torch.randn(at.b, weight.shape[1], at.height, at.width, device=weight.device, dtype=weight.dtype)
    x.requires_grad_(training)
    timer = Timer(str(weight.device))

    def step() -> None:
        with torch.set_grad_enabled(training):
            y = copied(x)
            if training:
                y.sum().backward()

    seconds: dict[Evaluation, list[float]] = {evaluation: [] for evaluation in evaluations}
    for number in range(ROUNDS + 1):
        for evaluation in evaluations:
            copied.evaluation = evaluation
            took = timer.seconds(step)
            if number:  # the first round warms up
                seconds[evaluation].append(took)
    return {evaluation: median(samples) for evaluation, samples in seconds.items()}


def question(layer: LambdaLayer, at: LayerShape, training: bool) -> dict[str, object]:
    """Return all that a choice depends on apart from the machine."""
    weight = layer.queries.weight
    kind = weight.device.type
    autocast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    return {
        **asdict(at),
        "dim": weight.shape[1],
        "dtype": str(weight.dtype).removeprefix("torch."),
        "autocast": autocast and str(autocast).removeprefix("torch."),
        "training": training,
        "threads": torch.get_num_threads(),
    }
