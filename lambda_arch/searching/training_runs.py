"""The training runs on which an accuracy model is fitted: published ones and the user's own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, TypeGuard

from lambda_arch.arch import Block, Convolution, Lambda, ResNet, parse
from lambda_arch.errors import ArchitectureError, DataError, did_you_mean
from lambda_arch.files import read_csv
from lambda_arch.published import load_table
from lambda_arch.store.connection import Store
from lambda_arch.store.runs import Run as Stored
from lambda_arch.store.runs import read_runs as read_stored

ABLATION, C4_STUDY, FIGURE_3, OWN = "the ablations", "the c4 study", "Figure 3", "the own runs"
TABLES = {
    "ablation_khu": ("top1_paper", ABLATION),
    "content_position": ("top1", ABLATION),
    "hybrid_stages": ("top1", ABLATION),
    "layer_comparison": ("top1", ABLATION),
    "layer_memory": ("top1", ABLATION),
    "scope_size": ("top1", ABLATION),
    "c4_lambda_count": ("top1", C4_STUDY),
    "pareto_figure3": ("top1", FIGURE_3),
}
"""The published tables of ImageNet accuracies, each with its column and its training recipe."""
FINISHED = "finished"


@dataclass(frozen=True)
class Run:
    """An architecture trained by a recipe, and its top-1 accuracy in percent."""

    architecture: ResNet
    recipe: str
    top1: float


def published_runs() -> list[Run]:
    """Return the paper's runs of architectures that can be built; figures printed more than once are averaged."""
    found: dict[tuple[ResNet, str], list[float]] = {}
    for name, (column, recipe) in TABLES.items():
        for row in load_table(name).rows:
            architecture = parse(row.architecture) if row.architecture else None
            if architecture is not None and is_modelled(architecture) and row.cells[column]:
                found.setdefault((architecture, recipe), []).append(float(row.cells[column]))
    return [Run(architecture, recipe, fmean(values)) for (architecture, recipe), values in found.items()]


def is_modelled(architecture: object) -> TypeGuard[ResNet]:
    """Return whether an accuracy model covers an architecture: a ResNet of convolutions and standard lambda layers."""
    if not isinstance(architecture, ResNet):
        return False
    stages = tuple(tuple(Block(_plain(block.layer), block.se) for block in stage) for stage in architecture.stages)
    usual: dict[str, Any] = {"stride": True, "pool": "strided", "activation": "relu", "shared_embeddings": False}
    return replace(architecture, stages=stages, **usual) == architecture


def _plain(layer: object) -> Convolution | Lambda:
    """Return a layer with its settings that the model covers, and defaults for the others."""
    if not isinstance(layer, Lambda):
        return Convolution()
    return type(layer)(**{name: getattr(layer, name) for name in ("k", "h", "u", "m", "content", "position", "bias")})


def read_runs(path: Path) -> list[Run]:
    """Return the runs of a CSV with the columns ``architecture`` and ``top1``, such as ``lambda-arch runs`` writes.

    A list of ``lambda-arch runs`` has a column ``status``: of it, runs that are not finished and architectures that
    accuracy models do not cover are left out.

    Raises :class:`DataError` with the file and the line of the mistake, and OSError.
    """
    columns, rows = read_csv(path)
    for column in ("architecture", "top1"):
        if column not in columns:
            raise DataError(f"{path}: expected a column {column}; it has {', '.join(columns)}")
    if len(names := sorted({dict(zip(columns, cells, strict=True)).get("data", "") for _, cells in rows})) > 1:
        raise DataError(f"{path}: has runs on {', '.join(names)}; expected those on one data set")
    runs = []
    for line, cells in rows:
        where, row = f"{path}, line {line}", dict(zip(columns, cells, strict=True))
        if row.get("status", FINISHED) != FINISHED:
            continue
        try:
            architecture = parse(row["architecture"].strip())
        except ArchitectureError as error:
            raise DataError(f"{where}: {error}") from None
        if not is_modelled(architecture):
            if "status" in columns:
                continue
            raise DataError(f"{where}: {architecture}: expected a ResNet of convolutions and lambda layers")
        try:
            top1 = float(row["top1"].strip().rstrip("%"))
        except ValueError:
            top1 = -1.0
        if not 0 <= top1 <= 100:
            raise DataError(f"{where}: top1={row['top1']}: expected percent from 0 to 100, such as 78.4")
        runs.append(Run(architecture, OWN, top1))
    return runs


def stored_runs(store: Store, data: str = "") -> tuple[list[Run], str]:
    """Return the finished runs of a store on the data set ``data``, by default its only one, and the data set's name.

    Runs with the same recipe and settings as the last run count as the user's own; each other recipe is separate.
    Architectures that accuracy models do not cover are left out.

    Raises :class:`DataError` for a store without such runs, or with several data sets if none is named.
    """
    finished = [run for run in read_stored(store) if run.status == FINISHED and run.epochs]
    names = sorted({run.data for run in finished})
    if not names or (data and data not in names):
        others = f"; expected {' or '.join(names)}{did_you_mean(data, names)}" if names else ""
        raise DataError(f"{store.path}: no finished training runs{f' on {data}' if data else ''}{others}")
    if not data and len(names) > 1:
        raise DataError(f"{store.path}: has runs on {', '.join(names)}; expected one of them, such as store:{names[0]}")
    name = data or names[0]
    chosen = [run for run in finished if run.data == name]
    return labelled(chosen, chosen[-1].settings), name


def labelled(kept: Sequence[Stored], own: Mapping[str, Any]) -> list[Run]:
    """Return runs of a store, those by a recipe with the settings ``own`` as the user's; others stand for themselves.

    Architectures that accuracy models do not cover are left out.
    """
    recipes = {json.dumps(run.settings, sort_keys=True): run.recipe for run in kept}
    labels = {settings: f"{recipe} {i}" for i, (settings, recipe) in enumerate(recipes.items())}
    labels[json.dumps(own, sort_keys=True)] = OWN
    found = []
    for run in kept:
        architecture = parse(run.architecture)
        if is_modelled(architecture):
            label = labels[json.dumps(run.settings, sort_keys=True)]
            found.append(Run(architecture, label, float(run.epochs[-1]["top1"])))
    return found
