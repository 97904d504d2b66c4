"""The fastest evaluation of every lambda layer, measured once on this device and remembered."""

import copy
import json
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict
from statistics import median
from time import perf_counter

import torch
from torch import nn

from lambda_arch.nn.choosing import lambda_layers
from lambda_arch.nn.evaluation import CANONICAL, Evaluation, Problem, candidates, choose, macs, parse_evaluation
from lambda_arch.nn.evaluation.store import ChoiceStore, JsonStore
from lambda_arch.nn.lambda_layer import LambdaLayer

ROUNDS = 5
TOO_MANY = 8  # times the model's choice: an evaluation that executes so many more multiply-accumulates is not tried

Measure = Callable[[LambdaLayer, Problem, list[Evaluation], bool], dict[Evaluation, float]]


def autotune(
    network: nn.Module,
    batch: int = 1,
    *,
    training: bool = False,
    store: ChoiceStore | None = None,
    progress: Callable[[list[Problem]], Iterable[Problem]] = iter,
    measure: Measure | None = None,
) -> dict[str, Evaluation]:
    """Set every lambda layer to the evaluation that is fastest here, and return which, by path.

    Each distinct problem is measured once at ``batch`` images (the forward pass, and with ``training`` the backward
    pass too) in the network's own type, on its own device, or under the autocast that is on; choices are kept in
    ``store`` (the user's cache unless given) by problem, type, device, threads and torch version. Where
    ``torch.use_deterministic_algorithms`` is on nothing is measured: the cost model chooses.

    Raises ValueError for a layer that does not know the size of its maps.
    """
    store = JsonStore() if store is None else store
    layers = [(path, layer, layer.problem(batch)) for path, layer in lambda_layers(network)]
    if torch.are_deterministic_algorithms_enabled():
        for _, layer, at in layers:
            layer.evaluation = choose(at, layer.queries.weight.device.type, training)
        return {path: layer.evaluation for path, layer, _ in layers}
    first = {at: layer for _, layer, at in reversed(layers)}
    known: dict[Problem, Evaluation] = {}
    for at in progress(list(first)):
        key = cache_key(first[at], at, training)
        known[at] = _remembered(store, key) or _fastest((measure or measure_layer)(first[at], at, tried(at), training))
        store.put(key, str(known[at]))
    for _, layer, at in layers:
        layer.evaluation = known[at]
    return {path: known[at] for path, _, at in layers}


def tried(at: Problem) -> list[Evaluation]:
    """Return the evaluations worth measuring: all but those with far more to execute than the model's choice."""
    limit = TOO_MANY * macs(choose(at), at)
    return [e for e in candidates() if e == CANONICAL or macs(e, at) <= limit]


def measure_layer(
    layer: LambdaLayer, at: Problem, evaluations: list[Evaluation], training: bool
) -> dict[Evaluation, float]:
    """Return the median seconds of each evaluation, measured in turns, round after round, on a copy of ``layer``."""
    copied = copy.deepcopy(layer).train(training)
    weight = copied.queries.weight
    x = torch.randn(at.b, weight.shape[1], at.height, at.width, device=weight.device, dtype=weight.dtype)
    x.requires_grad_(training)
    seconds: dict[Evaluation, list[float]] = {evaluation: [] for evaluation in evaluations}
    for turn in range(ROUNDS + 1):
        for evaluation in evaluations:
            copied.evaluation = evaluation
            start = _now(weight.device)
            with torch.set_grad_enabled(training):
                y = copied(x)
                if training:
                    y.sum().backward()
            if turn:  # the first round warms up
                seconds[evaluation].append(_now(weight.device) - start)
    return {evaluation: median(samples) for evaluation, samples in seconds.items()}


def cache_key(layer: LambdaLayer, at: Problem, training: bool) -> str:
    """Return what a choice depends on, as text."""
    weight = layer.queries.weight
    kind = weight.device.type
    name = torch.cuda.get_device_name(weight.device) if kind == "cuda" else platform.processor() or platform.machine()
    autocast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    return json.dumps(
        {
            **asdict(at),
            "dim": weight.shape[1],
            "dtype": str(weight.dtype).removeprefix("torch."),
            "autocast": autocast and str(autocast).removeprefix("torch."),
            "training": training,
            "device": f"{kind} {name}",
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
        },
        sort_keys=True,
    )


def _remembered(store: ChoiceStore, key: str) -> Evaluation | None:
    text = store.get(key)
    try:
        return None if text is None else parse_evaluation(text)
    except ValueError:  # written by another version
        return None


def _fastest(seconds: dict[Evaluation, float]) -> Evaluation:
    return min(seconds, key=lambda evaluation: seconds[evaluation])


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()
