"""Reports of training: runs, plans, accuracies by class, and curves."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.training.recipe import NEEDS, write

if TYPE_CHECKING:
    from lambda_arch.training import Accuracy, Epoch, Recipe, Runs, TrainingRun
    from lambda_arch.training.planning import Plan
    from lambda_arch.training.runs import LongRuns

SHOWN_EPOCHS = 10
"""How many epochs of a schedule are shown, evenly spaced."""


def _figure(digits: int) -> Any:
    return lambda value: "" if value is None else f"{value:,.{digits}f}"


def duration(seconds: float | None) -> str:
    """Write a duration for people: ``45 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    if seconds is None:
        return ""
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.{0 if seconds / size >= 10 else 1}f} {unit}"
    return f"{seconds / 86400:.1f} days"


RUN_COLUMNS = (
    Column("architecture", align="left"),
    Column("recipe", align="left"),
    Column("data", align="left"),
    Column("seed"),
    Column("epochs"),
    Column("top1", "top-1 %", show=_figure(2)),
    Column("top5", "top-5 %", show=_figure(2), optional=True),
    Column("images_per_second", "images/s", show=_figure(0)),
    Column("waiting", "waiting", show=lambda value: "" if value is None else f"{value:.1%}", optional=True),
    Column("seconds", "time", show=duration),
    Column("status", align="left"),
    Column("device", align="left", optional=True),
    Column("node", align="left", optional=True),
)

ORIGIN = ("settings", "digest", "started", "driver", "cuda", "torch", "package", "fingerprint")
LONG = ("architecture", "recipe", "data", "seed", "top1", "top5", "images_per_second", "seconds")


def run_row(run: "TrainingRun") -> dict[str, Any]:
    """Return a run as a row; figures are of the last epoch, ``images_per_second`` and ``waiting`` means of all."""
    last = run.epochs[-1] if run.epochs else None
    weight = sum(epoch.seconds for epoch in run.epochs)
    return {
        "architecture": run.architecture,
        "recipe": run.recipe.name,
        "data": run.data,
        "seed": run.seed,
        "epochs": len(run.epochs),
        "top1": last.top1 if last else None,
        "top5": last.top5 if last else None,
        "images_per_second": _mean([e.images_per_second for e in run.epochs], run.epochs) if weight else None,
        "waiting": _mean([e.waiting for e in run.epochs], run.epochs) if weight else None,
        "seconds": weight,
        "status": str(run.status),
        "device": run.device or None,
        "node": run.node or None,
        "folder": str(run.folder),
        **_origin(run),
    }


def _origin(run: "TrainingRun") -> dict[str, Any]:
    """Return what else is needed to repeat a run: all settings in effect, the digest of its data, and the machine."""
    machine = {name: run.machine.get(name) for name in ORIGIN[3:]}
    return {"settings": _settings(run.recipe.recipe), "digest": run.digest, "started": run.started or None, **machine}


def _settings(recipe: "Recipe") -> str:
    return ", ".join(f"{name}={write(value)}" for name, value in recipe.as_dict().items() if _counts(recipe, name))


def _mean(values: Sequence[float], epochs: "Sequence[Epoch]") -> float:
    weights = [epoch.seconds for epoch in epochs]
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def runs_report(runs: "Runs") -> Report:
    """Return one row per run."""
    rows = [run_row(run) for run in runs]
    notes = [f"{run.folder}: weights, log and checkpoint" for run in runs if run.folder.name]
    notes += [f"{run.architecture}: {_left_out(run.damaged)}" for run in runs if run.damaged]
    flat = [*RUN_COLUMNS, Column("folder", align="left"), *map(Column, ORIGIN)]
    data = [
        {**row, "damaged": list(run.damaged), "log": [asdict(e) for e in run.epochs]} for row, run in _with(rows, runs)
    ]
    return Report([Table(RUN_COLUMNS, rows, "Training runs", notes)], Table(flat, rows), data)


def long_runs_report(runs: "LongRuns") -> Report:
    """Return one row per epoch."""
    rows = [
        {"architecture": run.architecture, "recipe": run.recipe.name, "data": run.data, "seed": run.seed}
        | asdict(epoch)
        | {"status": str(run.status), "device": run.device or None}
        | _origin(run)
        for run in runs
        for epoch in run.epochs
    ]
    shown = [column for column in RUN_COLUMNS if column.name in LONG]
    shown.insert(4, Column("epoch"))
    flat = Table([Column(name) for name in rows[0]] if rows else shown, rows)
    return Report([Table(shown, rows, "Epochs of training runs")], flat, rows)


def _with(rows: list[dict[str, Any]], runs: "Runs") -> "list[tuple[dict[str, Any], TrainingRun]]":
    return list(zip(rows, runs, strict=True))


def plan_report(plan: "Plan") -> Report:
    """Return the memory and time that a run will take, and its schedule."""
    recipe = plan.recipe.recipe
    row = {
        "architecture": plan.architecture,
        "recipe": plan.recipe.name,
        "images": plan.images,
        "epochs": recipe.epochs,
        "steps": plan.steps,
        "weights_memory": plan.weights_memory,
        "activations_memory": plan.activations_memory,
        "step_seconds": plan.step_seconds,
        "seconds": plan.seconds,
    }
    memory = _memory
    columns = [
        Column("images"),
        Column("epochs"),
        Column("steps"),
        Column("weights_memory", "weights MB", show=memory),
        Column("activations_memory", "activations MB", show=memory),
        Column("step_seconds", "s/step", show=_figure(3)),
        Column("seconds", "time", show=duration),
    ]
    flat = [Column("architecture"), Column("recipe"), *columns]
    schedule = [
        Column("epoch"),
        Column("lr", "learning rate", show=lambda value: f"{value:.3g}"),
    ]
    epochs = [{"epoch": i, "lr": rate} for i, rate in enumerate(plan.rates)]
    every = max(1, -(-len(epochs) // SHOWN_EPOCHS))
    shown = [epoch for i, epoch in enumerate(epochs) if i % every == 0 or i == len(epochs) - 1]
    notes = [
        "Weights with gradients, the optimizer's state and a moving average. Activations: images, what is saved for "
        "the backward pass, and temporaries at the peak of a step. Time without validation.",
    ]
    tables = [
        Table(columns, [row], f"{plan.architecture} by {plan.recipe.name}", [*notes, _settings(recipe)]),
        Table(schedule, shown, "Learning rate after epochs"),
    ]
    return Report(tables, Table(flat, [row]), {**row, "recipe": recipe.as_dict(), "schedule": epochs})


def _counts(recipe: "Recipe", name: str) -> bool:
    """Return whether a setting has an effect."""
    return getattr(recipe, name) not in ((), 0, "none") and (name not in NEEDS or NEEDS[name].met(recipe))


def _memory(value: int) -> str:
    return f"{value / 1e6:,.0f}"


def _left_out(damaged: Sequence[str]) -> str:
    return f"{len(damaged)} damaged images left out; the first: {damaged[0]}"


def accuracy_report(found: "Accuracy") -> Report:
    """Return the accuracy, and one row per class."""
    names = ("architecture", "data", "images", "top1", "top5", "loss", "images_per_second")
    row = {name: getattr(found, name) for name in names}
    columns = [
        Column("architecture", align="left"),
        Column("data", align="left"),
        Column("images"),
        Column("top1", "top-1 %", show=_figure(2)),
        Column("top5", "top-5 %", show=_figure(2)),
        Column("loss", show=_figure(3)),
        Column("images_per_second", "images/s", show=_figure(0)),
    ]
    by_class = [
        {"class": name, "images": of, "right": right, "top1": 100 * right / of if of else None}
        for name, (of, right) in zip(found.classes, found.per_class, strict=True)
    ]
    classes = [
        Column("class", align="left"),
        Column("images"),
        Column("right"),
        Column("top1", "top-1 %", show=_figure(2)),
    ]
    notes = [_left_out(found.damaged)] if found.damaged else []
    tables = [Table(columns, [row], "Accuracy", notes), Table(classes, by_class, "By class")]
    return Report(tables, Table(columns, [row]), {**row, "classes": by_class, "damaged": list(found.damaged)})
