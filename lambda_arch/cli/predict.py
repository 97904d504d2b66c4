"""``lambda-arch predict``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambda_arch.arch import Architecture, ArchitectureError
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
    Space,
    StorePath,
    Threads,
    interruptible,
    leave_if,
    limits,
    one_setup,
    open_store,
    watch,
)

if TYPE_CHECKING:
    from lambda_arch.store import Measurement, Setup, Store
    from lambda_arch.timing import Limits


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(takes_architectures(predict))


def predict(
    architectures: list[Architecture],
    random: Annotated[
        int, typer.Option("--random", help="So many random networks of --space instead.", metavar="N")
    ] = 0,
    space: Space = None,
    seed: Annotated[int, typer.Option("--seed", help="Of --random.")] = 0,
    measure: Annotated[bool, typer.Option("--measure", help="Measure them too, and tell the error.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Predicted against measured: .svg, .png or .pdf.", metavar="FILE")
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
    """Predict latencies by adding up calibrated blocks; with --measure, how far off that is."""
    from lambda_arch.reporting.calibrations import prediction_report, write_plot
    from lambda_arch.timing.block_space import block_choices, random_networks
    from lambda_arch.timing.blocks import block_latencies, check_parts, with_blocks

    if plot is not None and not measure:
        raise ArchitectureError(f"--plot {plot}: expected --measure too, for there is nothing to plot against")
    networks = with_blocks(architectures)
    if random:
        base = networks[0]
        networks = list(random_networks(base, block_choices(base, space or ""), random, seed))
    setup = one_setup(device, batch_size, dtype, cast, channels_last, mode, threads, clock, evaluation)
    check_parts(setup, "predict")
    with open_store(store, create=False) as opened:
        latencies = block_latencies(opened, setup)
        for network in networks:
            missing = latencies.missing(network)
            if missing:
                raise ArchitectureError(
                    f"{network}: {len(missing)} of its parts were not calibrated for {setup}, such as {missing[0]}; "
                    f"expected `lambda-arch calibrate` with this name (or --space) and these flags first"
                )
        measured: dict[str, Measurement] = {}
        ended: list[str] = []
        if measure:
            bounds = limits(seconds, 0.05, limit, memory_limit)
            measured, ended = _measured(opened, networks, setup, bounds, fresh, quiet)
        predictions = [(network, latencies.network(network), measured.get(str(network))) for network in networks]
    emit(prediction_report(predictions, setup), format, out)
    if plot is not None:
        write_plot(plot, predictions, setup)
    leave_if(ended)


def _measured(
    store: "Store", networks: Sequence[Architecture], setup: "Setup", bounds: "Limits", fresh: bool, quiet: bool
) -> "tuple[dict[str, Measurement], list[str]]":
    from lambda_arch.store import Case
    from lambda_arch.timing import Measuring

    measuring = Measuring(store, [Case(network, setup) for network in networks], bounds, fresh=fresh)
    with interruptible() as ended:
        watch(measuring.events(), len(measuring.todo), bounds.seconds, "measure", quiet)
    return {m.architecture: m for m in measuring.results() if m.status == "ok"}, ended
