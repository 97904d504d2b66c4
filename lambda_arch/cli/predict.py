"""``lambda-arch predict``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambda_arch.arch import Architecture, ArchitectureError
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.flags import MEASURING, SETUP, Flags, takes_flags
from lambda_arch.cli.interrupts import Interruption, interruptible
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.progress import watch

if TYPE_CHECKING:
    from lambda_arch.store import Measurement, Setup, Store


@takes_architectures
@takes_flags(*SETUP, *MEASURING, seconds=5.0)
@takes_output
def predict(
    architectures: list[Architecture],
    *,
    random: Annotated[
        int, typer.Option("--random", help="So many random networks of --space instead.", metavar="N")
    ] = 0,
    space: Annotated[
        str | None,
        typer.Option(help="More blocks: of any such settings, or none (k=8|16,m=7|23).", metavar="CHOICES"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of --random.")] = 0,
    measure: Annotated[bool, typer.Option("--measure", help="Measure them too, and tell the error.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Predicted against measured: .svg, .png or .pdf.", metavar="FILE")
    ] = None,
    flags: Flags,
    output: Output,
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
    setup = flags.setup()
    check_parts(setup, "predict")
    with flags.open_store(create=False) as opened:
        latencies = block_latencies(opened, setup)
        for network in networks:
            missing = latencies.missing(network)
            if missing:
                raise ArchitectureError(
                    f"{network}: {len(missing)} of its parts were not calibrated for {setup}, such as {missing[0]}; "
                    f"expected `lambda-arch calibrate` with this name (or --space) and these flags first"
                )
        measured: dict[str, Measurement] = {}
        interruption = Interruption()
        if measure:
            measured, interruption = _measured(opened, networks, setup, flags)
        predictions = [(network, latencies.network(network), measured.get(str(network))) for network in networks]
    output.show(prediction_report(predictions, setup))
    if plot is not None:
        write_plot(plot, predictions, setup)
    interruption.leave()


def _measured(
    store: "Store", networks: Sequence[Architecture], setup: "Setup", flags: Flags
) -> "tuple[dict[str, Measurement], Interruption]":
    from lambda_arch.store import Case
    from lambda_arch.timing import Measuring

    limits = flags.limits()
    measuring = Measuring(store, [Case(network, setup) for network in networks], limits, fresh=flags.fresh)
    with interruptible() as interruption:
        watch(measuring.events(), len(measuring.todo), limits.seconds, "measure", flags.quiet)
    return {m.architecture: m for m in measuring.results() if m.status == "ok"}, interruption
