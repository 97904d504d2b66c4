"""``lambda-arch train`` and ``lambda-arch evaluate``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.interrupts import say_where, terminable
from lambda_arch.cli.messages import say
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.parameters import Command, expand
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.cli.progress import watch_cluster
from lambda_arch.errors import SetupError
from lambda_arch.training.recipe import SETTINGS

if TYPE_CHECKING:
    from lambda_arch.training import Accuracy, TrainingRun
    from lambda_arch.training.loop import Callback, Progress

RECIPE_HELP = "A recipe: paper, d-li14, leaderj1001, lambda-mobilenets, digits, or a TOML file."
DATA_HELP = "digits, digit-pairs, digit-pairs:7, or a path: an image folder, CIFAR-10, CIFAR-100, Parquet files."
Data = Annotated[str, typer.Option("--data", help=DATA_HELP, metavar="WHERE")]
Workers = Annotated[int, typer.Option("--workers", help="Processes that load images.", metavar="N")]
LimitImages = Annotated[
    int | None,
    typer.Option("--limit-images", help="Use at most N images for training and N for validation.", metavar="N"),
]
SkipDamaged = Annotated[bool, typer.Option("--skip-damaged", help="Skip images that cannot be read, and count them.")]


def takes_recipe_settings(command: Command) -> Command:
    """Give ``command(overrides, ...)`` a flag for every setting of a recipe."""
    parameters = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=_flag(name), default=None) for name in SETTINGS]
    return expand(command, "overrides", parameters, _given)


def _flag(name: str) -> Any:
    setting = SETTINGS[name]
    if setting.types == (bool,):
        flag = name.replace("_", "-")
        return Annotated[bool | None, typer.Option(f"--{flag}/--no-{flag}", help=setting.help, show_default=False)]
    return Annotated[str | None, typer.Option(help=setting.help, metavar=setting.kind.metavar)]


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@takes_architectures
@takes_recipe_settings
@takes_flags(
    "device", "evaluation", "channels_last", "compile", "store", "cluster", "resource", "quiet", evaluation="auto"
)
@takes_plot
@takes_output
def train(
    architectures: Named,
    *,
    data: Data,
    recipe: Annotated[str, typer.Option("--recipe", help=RECIPE_HELP, metavar="NAME|FILE")],
    overrides: dict[str, Any],
    output_folder: Annotated[
        Path, typer.Option("--output", help="Where to save runs, one folder per run.", metavar="DIR")
    ] = Path("runs"),
    seed: Annotated[
        int, typer.Option("--seed", help="Random seed of weights, order and augmentation.", metavar="N")
    ] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
    hours: Annotated[
        float, typer.Option("--hours", help="Save and stop after so many hours (0: no limit).", metavar="H")
    ] = 0,
    workers: Workers = 0,
    limit_images: LimitImages = None,
    skip_damaged: SkipDamaged = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show schedule, memory and estimated time without training.")
    ] = False,
    flags: Flags,
    plotted: Plotted,
    output: Output,
) -> None:
    """Train networks by a recipe, on your own images.

    Every epoch is saved, and a run can be resumed.
    """
    from lambda_arch import training

    how: dict[str, Any] = {
        "seed": seed,
        "device": flags.device,
        "evaluation": flags.evaluation,
        "channels_last": flags.channels_last,
        "compile": flags.compile,
        "limit_images": limit_images,
    }
    if dry_run:
        flags.check_here("dry_run=True")
        if len(architectures) > 1:
            raise SetupError(f"dry_run=True: expected one architecture, not {architectures[1]} too")
        output.show(training.plan(architectures[0], data, recipe, **how, **overrides))
        return
    since = monotonic()
    how |= {"output": output_folder, "resume": resume, "workers": workers, "hours": hours, "store": flags.store}
    how |= {"skip_damaged": skip_damaged, **overrides}
    if flags.cluster is not None:
        from lambda_arch.cluster import train as train_there

        with terminable(), watch_cluster("train", quiet=flags.quiet) as tell:
            runs = train_there(architectures, data, recipe, progress=tell, **flags.on_cluster(), **how)
    else:
        with training_progress(flags.quiet) as show:
            runs = training.train(architectures, data, recipe, progress=show, **how)
    if os.environ.get("RANK", "0") != "0":  # another process of torchrun's reports
        return
    plotted.show(output, runs)
    for run in runs:
        _note_damaged(run, shown=output.for_people and not plotted.replaces_table)
    leave(runs.status, "the same command with --resume continues it")
    if not flags.quiet:
        say_where(since, flags.store, "runs")


def _note_damaged(found: "TrainingRun | Accuracy", *, shown: bool) -> None:
    """Say how many images were left out, unless a table below which it stands is ``shown``."""
    if found.damaged and not shown:
        count = len(found.damaged)
        say(f"note: {found.architecture}: {count} damaged images left out; the first: {found.damaged[0]}", err=True)


def leave(status: str, how: str) -> None:
    """Exit with the code of a run that did not finish."""
    if status in ("finished", "stopped early", "not finite"):
        return
    say(f"lambda-arch: {status}: the run is saved; {how}", err=True)
    raise typer.Exit({"interrupted": 130, "terminated": 143}.get(status, 0))


@contextmanager
def training_progress(quiet: bool) -> "Iterator[Callback | None]":
    """Yield a callback that shows epoch, step, loss, top-1, images/s and time left, if stderr is a terminal."""
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(file=sys.stderr)
    if quiet or not console.is_terminal:
        yield None
        return
    from lambda_arch.reporting.training import duration

    columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[left]}"))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1, left="")

        def show(now: "Progress") -> None:
            if now.done is not None:
                done = now.done
                console.print(
                    f"epoch {done.epoch}/{now.epochs}  loss {done.loss:.3f}  top-1 {done.top1:.2f} %  "
                    f"{done.images_per_second:,.0f} images/s  {duration(done.seconds)}",
                    highlight=False,
                )
                return
            bar.update(
                task,
                total=now.epochs * now.steps,
                completed=(now.epoch - 1) * now.steps + now.step,
                description=(
                    f"epoch {now.epoch}/{now.epochs}  step {now.step}/{now.steps}  loss {now.loss:.3f}  "
                    f"train top-1 {now.top1:.1f} %  {now.images_per_second:,.0f} images/s"
                ),
                left=f"{duration(now.seconds_left)} left",
            )

        yield show


@takes_output
def evaluate(
    *,
    architecture: Annotated[
        str | None,
        typer.Argument(
            help="The architecture to expect. [default: the file's]", metavar="ARCHITECTURE", show_default=False
        ),
    ] = None,
    weights: Annotated[
        Path, typer.Option("--weights", help="A safetensors file written by train or convert.", metavar="FILE")
    ],
    data: Data,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Images per step.", metavar="N")] = 64,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1 or mps.", metavar="DEVICE")] = "cpu",
    workers: Workers = 0,
    limit_images: LimitImages = None,
    skip_damaged: SkipDamaged = False,
    output: Output,
) -> None:
    """Evaluate trained weights on validation images.

    It shows top-1, top-5, images/s and the accuracy of each class.
    """
    from lambda_arch.training import evaluate as measure

    found = measure(
        architecture,
        weights,
        data,
        batch_size=batch_size,
        device=device,
        workers=workers,
        limit_images=limit_images,
        skip_damaged=skip_damaged,
    )
    output.show(found)
    _note_damaged(found, shown=output.for_people)
