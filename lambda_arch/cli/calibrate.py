"""``lambda-arch calibrate``."""

from typing import Annotated

import typer

from lambda_arch.arch import Architecture
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.cli.setups import (
    Batch,
    Cast,
    ChannelsLast,
    Clock,
    Device,
    DType,
    EvaluationName,
    Fresh,
    Hang,
    MemoryLimit,
    Mode,
    Quiet,
    Seconds,
    StorePath,
    Threads,
    interruptible,
    leave_if,
    limits,
    one_setup,
    open_store,
    watch,
)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(takes_architectures(calibrate))


def calibrate(
    architectures: list[Architecture],
    space: Annotated[
        str | None,
        typer.Option(
            "--space",
            help="More blocks: of any such settings, or none (k=8|16,m=7|23); or those of a space of `search` instead.",
            metavar="SPACE",
        ),
    ] = None,
    device: Device = "cpu",
    batch_size: Batch = "1",
    dtype: DType = "fp32",
    cast: Cast = "autocast",
    channels_last: ChannelsLast = False,
    mode: Mode = "inference",
    threads: Threads = 0,
    clock: Clock = "wall",
    evaluation: EvaluationName = "canonical",
    seconds: Seconds = 5.0,
    limit: Hang = 600.0,
    memory_limit: MemoryLimit = 0.0,
    fresh: Fresh = False,
    store: StorePath = None,
    quiet: Quiet = False,
    format: Format = None,  # noqa: A002
    out: Out = None,
) -> None:
    """Time every distinct block of the named networks, and of --space, as it occurs inside a network."""
    from lambda_arch.reporting.calibrations import calibration_report
    from lambda_arch.searching.space_file import read_space
    from lambda_arch.timing.block_space import block_choices
    from lambda_arch.timing.blocks import Calibration, block_latencies, parts, space_parts, with_blocks

    setup = one_setup(device, batch_size, dtype, cast, channels_last, mode, threads, clock, evaluation)
    bounds = limits(seconds, 1e-9, limit, memory_limit)  # as many samples as there is time for
    networks = with_blocks(architectures)
    if space and "=" not in space:  # a space of the search, by its name or file
        networks = [network for product in read_space(space).products for network in product.covering()]
    wanted = [part for network in networks for part in parts(network)]
    for network in networks if space and "=" in space else []:
        wanted += space_parts(network, block_choices(network, space or ""))
    with open_store(store) as opened:
        calibration = Calibration(opened, setup, wanted, bounds, fresh=fresh)
        with interruptible() as ended:
            watch(calibration.events(), len(calibration.hosts), seconds, "calibrate", quiet)
        for failure in calibration.failed:
            typer.echo(f"lambda-arch: {failure}", err=True)
        emit(calibration_report(calibration.wanted, block_latencies(opened, setup)), format, out)
        leave_if(ended)
