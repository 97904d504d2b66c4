"""A recipe's optimizer and schedule, torch's own. Imports torch."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler

from lambda_arch.training.recipe import Recipe

OPTIMIZERS: dict[str, type[optim.Optimizer]] = {
    "sgd": optim.SGD,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "rmsprop": optim.RMSprop,
}


def make_optimizer(recipe: Recipe, network: nn.Module) -> optim.Optimizer:
    """Return the optimizer of ``network``; norms and biases do not decay where the recipe says so."""
    extra: dict[str, Any] = {}
    if recipe.opt in ("sgd", "rmsprop"):
        extra["momentum"] = recipe.momentum
    if recipe.opt == "sgd":
        extra["nesterov"] = recipe.nesterov
    groups: list[dict[str, Any]] = [{"params": list(network.parameters()), "weight_decay": recipe.weight_decay}]
    if recipe.decay == "weights" and recipe.weight_decay:
        weights, others = _split(network.parameters())
        groups = [
            {"params": weights, "weight_decay": recipe.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
    return OPTIMIZERS[recipe.opt](groups, lr=recipe.lr, **extra)  # type: ignore[call-arg]


def _split(parameters: Iterable[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    weights: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in parameters:
        (weights if parameter.ndim > 1 else others).append(parameter)
    return weights, others


def make_schedule(recipe: Recipe, optimizer: optim.Optimizer, steps: int) -> lr_scheduler.LRScheduler:
    """Return the schedule of the learning rate, to be stepped after each of ``steps`` steps an epoch."""
    warmup = round(recipe.warmup_epochs * steps)
    after = _after_warmup(recipe, optimizer, steps, warmup)
    if not warmup:
        return after
    rising = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), 1.0, total_iters=warmup)
    return lr_scheduler.SequentialLR(optimizer, [rising, after], [warmup])


def _after_warmup(recipe: Recipe, optimizer: optim.Optimizer, steps: int, warmup: int) -> lr_scheduler.LRScheduler:
    if recipe.sched == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, max(1, recipe.epochs * steps - warmup), recipe.min_lr)
    if recipe.sched == "cosine-restarts":
        return lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, recipe.restart_epochs * steps, recipe.restart_mul, recipe.min_lr
        )
    if recipe.sched == "step":
        milestones = [epoch * steps - warmup for epoch in recipe.decay_epochs]
        return lr_scheduler.MultiStepLR(optimizer, milestones, recipe.decay_rate)
    return lr_scheduler.ConstantLR(optimizer, 1.0)


def learning_rates(recipe: Recipe, steps: int) -> list[float]:
    """Return the learning rate at the start of every epoch, and at its last step at the end."""
    optimizer = optim.SGD([nn.Parameter(torch.zeros(1))], lr=recipe.lr)
    schedule = make_schedule(recipe, optimizer, steps)
    found = []
    for step in range(recipe.epochs * steps):
        rate = float(optimizer.param_groups[0]["lr"])
        if step % steps == 0:
            found.append(rate)
        optimizer.step()
        schedule.step()
    return [*found, rate]
