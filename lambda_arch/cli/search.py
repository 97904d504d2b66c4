"""``lambda-arch search``."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambda_arch.arch import ArchitectureError
from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.interrupts import interruptible
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.progress import progress_bar, track, watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambda_arch.arch import ResNet
    from lambda_arch.searching.accuracy import AccuracyModel
    from lambda_arch.searching.front import Front
    from lambda_arch.searching.latency import Latency
    from lambda_arch.searching.optimization import Problem
    from lambda_arch.store import Setup

ON_TERMINAL, IN_FILES = 20, 1000

Minimize = Annotated[
    list[str] | None,
    typer.Option("--minimize", help="Costs, with commas: params, macs, flops, memory, latency.", metavar="METRICS"),
]
Maximize = Annotated[
    list[str] | None,
    typer.Option("--maximize", help="Gains, with commas: top1, throughput.", metavar="METRICS"),
]
Plot = Annotated[
    str | None,
    typer.Option(
        "--plot", help="Draw the front: a .html, .png, .svg or .pdf file, or - for the terminal.", metavar="FILE"
    ),
]


@takes_flags("device", "batch_size", "dtype", "mode", "threads", "clock", "store")
@takes_output
def search(
    *,
    space: Annotated[
        str, typer.Option("--space", help="ablation, scaling, stages, blocks, or a TOML file.", metavar="SPACE")
    ] = "scaling",
    minimize: Minimize = None,
    maximize: Maximize = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="A bound, such as 'params<=16M'; may be given again.", metavar="BOUND"),
    ] = None,
    accuracy: Annotated[
        Path | None,
        typer.Option("--accuracy", help="Predict top1 from your runs: a CSV of architecture, top1.", metavar="FILE"),
    ] = None,
    with_published: Annotated[
        bool, typer.Option("--with-published", help="Fit on the published runs as well as those of --accuracy.")
    ] = False,
    function: Annotated[
        str | None,
        typer.Option(
            "--function", help="An objective of your own: FILE.py:NAME, from an architecture to a number.", metavar="F"
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Latency of whole networks, timed as the search goes: needs no calibration."),
    ] = False,
    evaluations: Annotated[
        int, typer.Option("--evaluations", help="Networks to evaluate, with --function or --measure.", metavar="N")
    ] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Seed of such a search.", metavar="N")] = 0,
    record: Annotated[
        Path | None,
        typer.Option("--record", help="Keep its evaluations here, and go on from them.", metavar="FILE"),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(
            "--members", help="Members to show. [default: 20, 1000 in files]", metavar="N", show_default=False
        ),
    ] = None,
    plot: Plot = None,
    verify: Annotated[
        int, typer.Option("--verify", help="Build N members and count them by all three books.", metavar="N")
    ] = 0,
    flags: Flags,
    output: Output,
) -> None:
    """Find the Pareto-optimal architectures of a space: which are worth training, under which budget."""
    from lambda_arch.reporting.fronts import front_report, shown_front, summary
    from lambda_arch.searching.highlights import spread

    _check(members, verify, plot)
    setup = flags.setup()
    problem = _problem(
        space, minimize, maximize, where or [], accuracy, with_published, setup, flags, function, measure
    )
    front = _find(problem, evaluations, seed, record)
    if verify:
        timed = None if problem.costs.latency is None else setup
        _verify(front, verify, timed, flags, output)
        return
    many = output.chosen in ("csv", "json")
    shown = shown_front(front, spread(front, members or (IN_FILES if many else ON_TERMINAL)))
    report = front_report(shown)
    if output.chosen == "csv":  # it has no room for them
        for note in summary(front):
            typer.echo(f"note: {note}", err=True)
    if plot is not None:
        from lambda_arch.reporting.picture import front_picture

        more = shown if members or len(shown.members) == len(front) else shown_front(front, spread(front, IN_FILES))
        draw_plot(front_picture(more), plot)
    if plot != "-":
        output.show(report)


def draw_plot(picture: object, plot: str) -> None:
    """Draw a picture to a file, or ``-`` for the terminal."""
    from lambda_arch.reporting.picture import Picture
    from lambda_arch.reporting.plots import characters, draw

    assert isinstance(picture, Picture)
    if plot == "-":
        import shutil

        sys.stdout.write(characters(picture, min(100, shutil.get_terminal_size().columns)))
        return
    draw(picture, Path(plot))
    typer.echo(f"{plot} written", err=True)


def check_plot(plot: str | None) -> None:
    """Raise :class:`ArchitectureError` for a plot that cannot be drawn, before anything is searched."""
    from lambda_arch.reporting.plots import DRAWN

    if plot not in (None, "-") and Path(plot or "").suffix.lower() not in DRAWN:
        raise ArchitectureError(f"--plot {plot}: expected a file that ends in {', '.join(DRAWN)}, or -")


def _check(members: int | None, verify: int, plot: str | None) -> None:
    for name, value, least in (("members", members, 1), ("verify", verify, 0)):
        if value is not None and value < least:
            raise ArchitectureError(f"{name}={value}: expected a whole number from {least}")
    check_plot(plot)


def _problem(
    space: str,
    minimize: list[str] | None,
    maximize: list[str] | None,
    where: list[str],
    accuracy: Path | None,
    with_published: bool,
    setup: "Setup",
    flags: Flags,
    function: str | None,
    measure: bool,
) -> "Problem":
    from lambda_arch.searching.metrics import column_metric, read_constraint, read_objectives
    from lambda_arch.searching.optimization import make_problem
    from lambda_arch.searching.space_file import read_space

    if minimize is None and maximize is None and function is None:
        minimize, maximize = ["macs"], ["top1"]
    functions = {}
    objectives = read_objectives(minimize or [], maximize or [])
    if function is not None:
        name, call = _function(function)
        functions[name] = call
        objectives = (*objectives, column_metric(name, "min"))
    constraints = [read_constraint(text) for text in where]
    named = {metric.name for metric in (*objectives, *(constraint.metric for constraint in constraints))}
    by_time = bool(named & {"latency", "throughput"})
    if measure and "latency" not in named:
        raise ArchitectureError("--measure: expected latency among the objectives, such as --minimize latency")
    if measure:
        functions["latency"] = lambda network: _whole([network], setup, flags, quiet=True)[str(network)]
    latency = _latency(setup, flags) if by_time and not measure else None
    if accuracy is None and with_published:
        raise ArchitectureError("--with-published: expected --accuracy FILE with your runs too")
    model = _model(accuracy, with_published) if "top1" in named else None
    return make_problem(read_space(space), objectives, constraints, model, latency, functions)


def _latency(setup: "Setup", flags: Flags) -> "Latency":
    from lambda_arch.searching.latency import Latency
    from lambda_arch.timing.blocks import block_latencies

    with flags.open_store(create=False) as opened:
        calibrated = block_latencies(opened, setup)
    if not calibrated.by_key:
        raise ArchitectureError(
            f"latency: nothing was calibrated for {setup}; expected `lambda-arch calibrate --space` with these flags"
        )
    return Latency(calibrated, setup.batch_size, str(setup))


def _model(path: Path | None, with_published: bool) -> "AccuracyModel":
    from lambda_arch.searching.accuracy import fit, published_model
    from lambda_arch.searching.training_runs import published_runs, read_runs

    if path is None:
        return published_model()
    runs = read_runs(path)
    return fit([*runs, *published_runs()], f"{path.name} and the paper's") if with_published else fit(runs, path.name)


def _function(text: str):  # type: ignore[no-untyped-def]  # a name, and a function of the user's
    """Return the name and the function of ``FILE.py:NAME``: it takes an architecture and returns what to minimise."""
    import importlib.util

    file, colon, name = text.rpartition(":")
    path = Path(file)
    if not colon or not name or path.suffix != ".py":
        raise ArchitectureError(f"--function {text}: expected FILE.py:NAME, such as cost.py:energy")
    if not path.is_file():
        raise ArchitectureError(f"--function {text}: no file {file}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ArchitectureError(f"--function {text}: {file} does not run: {type(error).__name__}: {error}") from None
    call = getattr(module, name, None)
    if not callable(call):
        raise ArchitectureError(f"--function {text}: {file} has no function {name}")

    def checked(architecture: object) -> float:
        try:
            return float(call(architecture))
        except Exception as error:
            raise ArchitectureError(f"--function {text}: {type(error).__name__} for {architecture}: {error}") from None

    return name, checked


def _find(problem: "Problem", evaluations: int, seed: int, record: Path | None) -> "Front":
    from lambda_arch.searching.evolution import evolve
    from lambda_arch.searching.pareto_search import find_front, steps

    if problem.costs.functions:
        with progress_bar(evaluations, "networks") as advance:
            return evolve(problem, evaluations=evaluations, seed=seed, record=record, evaluated=lambda: advance(1, ""))
    if record is not None:
        raise ArchitectureError(
            f"--record {record}: only for a search with --function or --measure; others take seconds"
        )
    with progress_bar(steps(problem), "blocks") as advance:
        return find_front(problem, step=lambda: advance(1, ""))


def _verify(front: "Front", number: int, timed: "Setup | None", flags: Flags, output: Output) -> None:
    from lambda_arch.reporting.fronts import checked_report
    from lambda_arch.searching.highlights import spread
    from lambda_arch.searching.member_checks import check_members

    members = spread(front, number)
    seconds = {} if timed is None else _whole([front.architecture(member) for member in members], timed, flags)
    clock = None if timed is None else lambda architecture: seconds[str(architecture)]
    checked = list(track(check_members(front, members, clock), len(members), "built"))
    output.show(checked_report(front, checked))
    if not all(each.agrees for each in checked):
        raise typer.Exit(1)


def _whole(networks: "Sequence[ResNet]", setup: "Setup", flags: Flags, *, quiet: bool = False) -> dict[str, float]:
    """Return the seconds of whole networks, measured where the store does not have them."""
    from lambda_arch.store import Case
    from lambda_arch.timing import Measuring

    limits = replace(flags, seconds=5.0).limits()
    with flags.open_store() as opened:
        measuring = Measuring(opened, [Case(network, setup) for network in networks], limits)
        with interruptible() as interruption:
            watch(measuring.events(), len(measuring.todo), limits.seconds, "measure", quiet)
        interruption.leave()
        summaries = {each.architecture: each.summary for each in measuring.results() if each.status == "ok"}
    seconds = {}
    for network in networks:
        summary = summaries.get(str(network))
        if summary is None:
            raise ArchitectureError(f"{network}: could not be timed on {setup}")
        seconds[str(network)] = summary.median
    return seconds
