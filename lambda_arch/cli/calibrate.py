"""``lambda-arch calibrate``."""

from typing import Annotated

import typer

from lambda_arch.arch import Architecture
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.flags import MEASURING, SETUP, Flags, takes_flags
from lambda_arch.cli.interrupts import interruptible
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.progress import watch


@takes_architectures
@takes_flags(*SETUP, *MEASURING, seconds=5.0)
@takes_output
def calibrate(
    architectures: list[Architecture],
    *,
    space: Annotated[
        str | None,
        typer.Option(
            "--space",
            help="More blocks: of any such settings, or none (k=8|16,m=7|23); or those of a space of `search` instead.",
            metavar="SPACE",
        ),
    ] = None,
    flags: Flags,
    output: Output,
) -> None:
    """Time every distinct block of the named networks, and of --space, as it occurs inside a network."""
    from lambda_arch.reporting.calibrations import calibration_report
    from lambda_arch.searching.space_file import read_space
    from lambda_arch.timing.block_space import block_choices
    from lambda_arch.timing.blocks import Calibration, block_latencies, parts, space_parts, with_blocks

    setup, limits = flags.setup(), flags.limits(spread=1e-9)  # as many samples as there is time for
    networks = with_blocks(architectures)
    if space and "=" not in space:  # a space of the search, by its name or file
        networks = with_blocks(network for product in read_space(space).products for network in product.covering())
    wanted = [part for network in networks for part in parts(network)]
    for network in networks if space and "=" in space else []:
        wanted += space_parts(network, block_choices(network, space or ""))
    with flags.open_store() as opened:
        calibration = Calibration(opened, setup, wanted, limits, fresh=flags.fresh)
        with interruptible() as interruption:
            watch(calibration.events(), len(calibration.hosts), limits.seconds, "calibrate", flags.quiet)
        for failure in calibration.failed:
            typer.echo(f"lambda-arch: {failure}", err=True)
        output.show(calibration_report(calibration.wanted, block_latencies(opened, setup)))
        interruption.leave()
