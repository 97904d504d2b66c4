"""The verbs: train architectures by a recipe, and evaluate trained weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_arch.arch import Architecture, parse
from lambda_arch.errors import DataError, SetupError
from lambda_arch.timing.arguments import StoreLike, opened
from lambda_arch.training.data import Data
from lambda_arch.training.datasets import load_data
from lambda_arch.training.keeping import keeper
from lambda_arch.training.recipe import Recipe
from lambda_arch.training.recipe_file import NamedRecipe, find_recipe
from lambda_arch.training.runs import Runs, RunStatus, run_folder
from lambda_arch.training.session import Session

if TYPE_CHECKING:
    from lambda_arch.training.accuracy import Accuracy
    from lambda_arch.training.loop import Callback
    from lambda_arch.training.planning import Plan


def train(
    architectures: Architecture | str | Sequence[Architecture | str],
    data: Data | str | Path,
    recipe: Recipe | NamedRecipe | str,
    *,
    output: Path | str = "runs",
    seed: int = 0,
    resume: bool = False,
    device: str = "cpu",
    evaluation: str = "auto",
    channels_last: bool = False,
    compile: bool = False,  # noqa: A002  as torch calls it
    workers: int = 0,
    hours: float = 0.0,
    stop_epoch: int | None = None,
    limit_images: int | None = None,
    skip_damaged: bool = False,
    progress: "Callback | None" = None,
    store: StoreLike = None,
    **overrides: object,
) -> Runs:
    """Train ``architectures``, one after the other, and return their runs; each has a folder of its own in ``output``.

    ``data``: a data set, or where it is (:func:`load_data`). ``recipe``: one of the package's by name, a TOML file, or
    a value; ``overrides`` change its settings (``epochs=10``). ``resume`` continues each run from its last checkpoint.
    Every epoch's figures go to ``store``, the user's own unless given (:func:`find_runs`). SIGINT and SIGTERM, and
    ``hours``, save a checkpoint and end the run under way; no other begins then. ``stop_epoch``: stop each run after so
    many epochs of its schedule; ``resume`` continues it.

    - ``seed``: of weights, order and augmentation; ``device``: cpu, cuda or cuda:N; ``workers``: processes that load
    - ``evaluation``: of lambda layers, by name; ``auto`` is the cost model's choice
    - ``channels_last``: the memory format; ``compile``: by torch.compile
    - ``limit_images``: at most so many of each side; ``skip_damaged``: leave out those that cannot be read

    Raises :class:`lambda_arch.SetupError`, :class:`lambda_arch.DataError`, :class:`lambda_arch.TrainingError` or
    OSError, in one line, for what cannot be done; what was saved stays.
    """
    chosen = read_architectures(architectures)
    named = read_recipe(recipe, overrides)
    loaded = read_data(data, limit_images)
    for architecture in chosen:
        loaded.check(architecture)
    session = Session(device, evaluation, channels_last, compile, workers, hours, skip_damaged)
    if stop_epoch is not None and stop_epoch < 1:
        raise SetupError(f"stop_epoch={stop_epoch}: expected a whole number from 1")
    if not 0 <= seed < 2**63:
        raise SetupError(f"seed={seed}: expected a whole number from 0 to 2**63 - 1")
    from lambda_arch.nn import check_device
    from lambda_arch.training import distributed
    from lambda_arch.training.loop import Loop
    from lambda_arch.training.stopping import stops_on_signals

    check_device(device)
    world = distributed.join(device)
    done = []
    try:
        with opened(store) as kept, stops_on_signals(hours) as stopper:
            keep, name = keeper(kept, session) if world.main else (None, "")
            for architecture in chosen:
                folder = run_folder(Path(output), str(architecture), named.name, seed)
                loop = Loop(architecture, loaded, named, session, seed, world, folder, resume, progress, keep, name)
                loop.stop_epoch = stop_epoch
                done.append(loop.run(stopper))
                if done[-1].status not in (RunStatus.FINISHED, RunStatus.STOPPED):
                    break
    finally:
        distributed.leave()
    return Runs(tuple(done))


def plan(
    architecture: Architecture | str,
    data: Data | str | Path,
    recipe: Recipe | NamedRecipe | str,
    *,
    seed: int = 0,
    device: str = "cpu",
    evaluation: str = "auto",
    channels_last: bool = False,
    compile: bool = False,  # noqa: A002  as torch calls it
    limit_images: int | None = None,
    **overrides: object,
) -> "Plan":
    """Return what :func:`train` with the same arguments will take: schedule, steps, memory, and estimated time.

    A few steps are made to measure them, and nothing is kept. Raises as :func:`train` does.
    """
    named = read_recipe(recipe, overrides)
    loaded = read_data(data, limit_images)
    chosen = read_architectures(architecture)[0]
    loaded.check(chosen)
    session = Session(device, evaluation, channels_last, compile)
    import torch

    from lambda_arch.nn import check_device
    from lambda_arch.training.distributed import World
    from lambda_arch.training.planning import make_plan

    check_device(device)
    return make_plan(chosen, loaded, named, session, seed, World(0, 1, torch.device(device)))


def evaluate(
    architecture: Architecture | str | None,
    weights: Path | str,
    data: Data | str | Path,
    *,
    batch_size: int = 64,
    device: str = "cpu",
    workers: int = 0,
    limit_images: int | None = None,
    skip_damaged: bool = False,
) -> "Accuracy":
    """Return the accuracy of trained weights on the validation images of ``data``.

    ``weights``: a safetensors file of :func:`train` or of ``lambda-arch convert``, which names its architecture;
    ``architecture`` says which one is expected. ``batch_size``: images at once, on ``device``; ``workers``: processes
    that load; ``limit_images``: at most so many; ``skip_damaged``: leave out those that cannot be read.

    Raises :class:`lambda_arch.DataError` for a file of another architecture, or data that cannot be read.
    """
    if batch_size < 1:
        raise SetupError(f"batch_size={batch_size}: expected a whole number from 1")
    loaded = read_data(data, limit_images)
    import torch

    from lambda_arch.nn import LambdaLayer, check_device, load, set_evaluation
    from lambda_arch.training.augmentation import Augmentation
    from lambda_arch.training.batches import ValidationBatches
    from lambda_arch.training.distributed import World
    from lambda_arch.training.evaluating import measure_accuracy

    check_device(device)
    network = load(weights, device=device)
    if isinstance(network, LambdaLayer):
        raise DataError(f"{weights}: a single lambda layer; expected a network")
    found = network.architecture
    if architecture is not None and read_architectures(architecture)[0] != found:
        raise DataError(f"{weights}: holds {found}; expected {read_architectures(architecture)[0]}")
    loaded.check(found)
    set_evaluation(network, "auto", batch_size)
    size = found.image_size
    return measure_accuracy(
        network,
        found,
        loaded,
        ValidationBatches(loaded.val, size, batch_size, skip_damaged=skip_damaged),
        Augmentation(Recipe(epochs=1, batch_size=batch_size), size, loaded.mean, loaded.std),
        World(0, 1, torch.device(device)),
        workers=workers,
    )


def read_architectures(given: Architecture | str | Sequence[Architecture | str]) -> list[Architecture]:
    """Return architectures in order. Raises :class:`lambda_arch.SetupError` for none, and for one named twice."""
    several: Sequence[Architecture | str] = (
        [given] if isinstance(given, str) or not isinstance(given, Sequence) else given
    )
    found = [parse(one) if isinstance(one, str) else one for one in several]
    for i, one in enumerate(found):
        if one in found[:i]:
            raise SetupError(f"{one}: named twice; expected every architecture once")
    if not found:
        raise SetupError("architectures: expected one or more, such as lambda_resnet26:classes=10@32")
    return found


def read_recipe(recipe: Recipe | NamedRecipe | str, overrides: dict[str, object]) -> NamedRecipe:
    """Return a recipe of the package by its name, of a file, or a value, with ``overrides`` of its settings."""
    named = find_recipe(recipe) if isinstance(recipe, str) else recipe
    if isinstance(named, Recipe):
        named = NamedRecipe("own", named)
    changed = named.recipe.override(overrides)
    return named if changed == named.recipe else NamedRecipe(named.name, changed, named.about, named.source)


def read_data(data: Data | str | Path, limit_images: int | None) -> Data:
    """Return the data set, at most so many images of it. Raises :class:`lambda_arch.DataError`."""
    if isinstance(data, Data):
        return data if limit_images is None else data.limited(limit_images)
    return load_data(data, limit_images=limit_images)
