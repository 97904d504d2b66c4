"""``lambda-arch predict``."""

from typing import Annotated, Any

import typer

from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.calibrate import Choices
from lambda_arch.cli.flags import MEASURING, SETUP, Flags, takes_flags
from lambda_arch.cli.interrupts import leave, terminable
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.cli.progress import watch, watch_cluster
from lambda_arch.errors import SetupError

Strict = Annotated[bool, typer.Option("--strict", help="Refuse calibrated blocks that are noisy or were disturbed.")]


@takes_architectures
@takes_flags(*SETUP, "cluster", "resource", *MEASURING, seconds=5.0)
@takes_plot
@takes_output
def predict(
    architectures: Named,
    *,
    random: Annotated[
        int, typer.Option("--random", help="Predict N random networks of --choices instead.", metavar="N")
    ] = 0,
    choices: Choices = "",
    seed: Annotated[int, typer.Option("--seed", help="Random seed of --random.", metavar="N")] = 0,
    measure: Annotated[bool, typer.Option("--measure", help="Measure them too, and show the error.")] = False,
    strict: Strict = False,
    flags: Flags,
    plotted: Plotted,
    output: Output,
) -> None:
    """Predict latencies by adding up calibrated blocks.

    With --measure, measure them too and show the error.
    """
    from lambda_arch.reporting import report_of
    from lambda_arch.reporting.calibrations import doubt_lines, doubts_of
    from lambda_arch.reporting.sweeps import swept_report
    from lambda_arch.timing import predict as predict_networks

    how: dict[str, Any] = {"random": random, "choices": choices, "seed": seed, "strict": strict, "fresh": flags.fresh}
    how |= flags.arguments(one=True)
    if flags.cluster is not None:
        from lambda_arch.cluster import predict as predict_there

        if not measure:
            raise SetupError(f"cluster={flags.cluster}: expected it with measure=True, for nothing is measured else")
        with terminable(), watch_cluster("predict", quiet=flags.quiet) as tell:
            result = predict_there(architectures, progress=tell, **flags.on_cluster(), **how)
    else:
        with terminable(), watch("predict", quiet=flags.quiet) as progress:
            result = predict_networks(architectures, measure=measure, progress=progress, **how)
    plotted.show(output, result, swept_report(report_of(result), architectures.swept))
    if not output.for_people:
        for line in doubt_lines(doubts_of(result.predictions)):
            typer.echo(f"lambda-arch: {line.removeprefix('! ')}", err=True)
    measured = not measure or any(each.measurement for each in result.predictions)
    leave(interrupted=result.interrupted, measured=measured)
