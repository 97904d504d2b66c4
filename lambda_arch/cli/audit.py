"""``lambda-arch audit`` and ``lambda-arch match``."""

from typing import Annotated

import typer

from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.tables import TableNames


@takes_output
def audit(*, names: TableNames = None, output: Output) -> None:
    """Explain printed figures that differ from our counts.

    For each of them, find the simplest hypothesis that gives the printed figure.
    """
    from lambda_arch.comparing import audit as find

    output.show(find(names))


@takes_output
def match(
    *,
    params: Annotated[
        str | None, typer.Option("--params", help="Parameters as printed: 51.4M.", metavar="FIGURE")
    ] = None,
    macs: Annotated[
        str | None, typer.Option("--macs", help="Multiply-accumulates as printed: 6.58G.", metavar="FIGURE")
    ] = None,
    depth: Annotated[int | None, typer.Option("--depth", help="Only this depth. [default: all]", metavar="N")] = None,
    top: Annotated[int, typer.Option("--top", help="How many to show.", min=1, metavar="N")] = 10,
    output: Output,
) -> None:
    """Find the architectures whose counts match printed figures."""
    from lambda_arch.comparing import match as find

    output.show(find(params, macs, depth, top))
