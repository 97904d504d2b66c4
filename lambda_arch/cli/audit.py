"""``lambda-arch audit`` and ``lambda-arch match``."""

from typing import Annotated

import typer

from lambda_arch.arch.sweeps import read_choices
from lambda_arch.cli.messages import say
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.progress import busy
from lambda_arch.cli.tables import TableNames
from lambda_arch.errors import LambdaArchError

Params = Annotated[str | None, typer.Option("--params", help="Parameters as printed: 51.4M.", metavar="FIGURE")]
Macs = Annotated[str | None, typer.Option("--macs", help="Multiply-accumulates as printed: 6.58G.", metavar="FIGURE")]


@takes_output
def audit(
    *,
    names: TableNames = None,
    params: Params = None,
    macs: Macs = None,
    architecture: Annotated[
        str,
        typer.Option("--architecture", help="With --params or --macs: the network that was meant.", metavar="NAME"),
    ] = "lambda_resnet50",
    output: Output,
) -> None:
    """Explain printed figures that differ from our counts.

    With --params or --macs, explain figures of your own.

    For each of them, find the simplest hypothesis that gives the figure.
    """
    from lambda_arch.comparing import audit as find
    from lambda_arch.comparing.explaining import explain

    if params is None and macs is None:
        if architecture != "lambda_resnet50":
            raise LambdaArchError(f"architecture={architecture}: expected it with params=51.4M or macs=20G")
        with busy("audit"):
            findings = find(names)
        output.show(findings)
        return
    if names:
        given = f"params={params}" if params is not None else f"macs={macs}"
        raise LambdaArchError(f"{names[0]}: a table; expected it without {given}, a figure of your own")
    with busy("audit"):
        found = explain(params, macs, architecture)
    output.show(found)
    _leave(found.found, f"none of {found.tried:,} hypotheses about {architecture} gives this", output)


@takes_output
def match(
    *,
    params: Params = None,
    macs: Macs = None,
    depth: Annotated[int | None, typer.Option("--depth", help="Only this depth. [default: all]", metavar="N")] = None,
    classes: Annotated[
        str | None,
        typer.Option("--classes", help="Numbers of classes, with commas. [default: 1000,10,100]", metavar="N"),
    ] = None,
    top: Annotated[int, typer.Option("--top", help="How many to show.", metavar="N")] = 10,
    output: Output,
) -> None:
    """Find the architectures whose counts match printed figures."""
    from lambda_arch.comparing import match as find

    numbers = None if classes is None else read_choices("classes", classes)
    with busy("match"):
        found = find(params, macs, depth, top, numbers)
    output.show(found)
    _leave(found.found, f"none of {found.searched:,} architectures is within the rounding", output)


def _leave(found: int, message: str, output: Output) -> None:
    """Exit with 1 if nothing was ``found``; what a program reads has no line that says so."""
    if not found:
        if not output.for_people:
            say(f"lambda-arch: {message}", err=True)
        raise typer.Exit(1)
