"""``lambda-arch calibrate``."""

from collections.abc import Sequence
from time import monotonic
from typing import Annotated, Any

import typer

from lambda_arch.arch import Architecture
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.flags import MEASURING, SETUP, Flags, takes_flags
from lambda_arch.cli.interrupts import leave, say_where, terminable
from lambda_arch.cli.messages import say
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.progress import watch, watch_cluster

Choices = Annotated[
    str,
    typer.Option(help="Blocks with any of these settings too: k=8|16,m=7|23.", metavar="CHOICES"),
]


@takes_architectures
@takes_flags(*SETUP, "spread", "cluster", "resource", *MEASURING, seconds=5.0, spread=0.1)
@takes_output
def calibrate(
    architectures: list[Architecture],
    *,
    choices: Choices = "",
    space: Annotated[
        str | None,
        typer.Option("--space", help="Calibrate the blocks of a space of `search` instead.", metavar="SPACE"),
    ] = None,
    flags: Flags,
    output: Output,
) -> None:
    """Measure the latency of every distinct block of networks.

    Each block, also those of --choices, is timed inside a whole network.
    """
    from lambda_arch.timing import calibrate as calibrate_networks

    since = monotonic()
    choices, space = old_choices(choices, space)
    networks: Sequence[Any] = architectures
    if space is not None:
        from lambda_arch.searching.space_file import read_space

        networks = [network for product in read_space(space).products for network in product.covering()]
    how: dict[str, Any] = {
        "choices": choices,
        "spread": flags.spread,
        "fresh": flags.fresh,
        **flags.arguments(one=True),
    }
    if flags.cluster is not None:
        from lambda_arch.cluster import calibrate as calibrate_there

        with terminable(), watch_cluster("calibrate", quiet=flags.quiet) as tell:
            result = calibrate_there(networks, progress=tell, **flags.on_cluster(), **how)
    else:
        with terminable(), watch("calibrate", quiet=flags.quiet) as progress:
            result = calibrate_networks(networks, progress=progress, **how)
    for failure in result.failures:
        say(f"lambda-arch: {failure}", err=True)
    output.show(result)
    measured = any(key in result.latencies.by_key for key in result.parts)
    leave(interrupted=result.interrupted, measured=measured or not result.failures)
    if not flags.quiet:
        say_where(since, flags.store, "predict")


def old_choices(choices: str, space: str | None) -> tuple[str, str | None]:
    """Return ``choices`` and ``space``; choices given as a space, as in earlier versions, become choices."""
    if space is not None and "=" in space:
        say("note: --space k=8|16 is now --choices k=8|16; the old name will go in the next version", err=True)
        return choices or space, None
    return choices, space
