"""``lambda-arch audit`` and ``lambda-arch match``."""

from typing import Annotated

import typer

from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.cli.tables import TableNames


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(audit)
    app.command()(match)


def audit(names: TableNames = None, format: Format = None, out: Out = None) -> None:  # noqa: A002
    """Find, for each printed figure that its architecture does not give, the simplest reading that does."""
    from lambda_arch.comparing import audit as find
    from lambda_arch.reporting.audits import audit_report

    emit(audit_report(find(names)), format, out)


def match(
    params: Annotated[
        str | None, typer.Option("--params", help="Parameters as printed: 51.4M.", metavar="FIGURE")
    ] = None,
    macs: Annotated[
        str | None, typer.Option("--macs", help="Multiply-accumulates as printed: 6.58G.", metavar="FIGURE")
    ] = None,
    depth: Annotated[int | None, typer.Option("--depth", help="Only this depth. [default: all]", metavar="N")] = None,
    top: Annotated[int, typer.Option("--top", help="How many to show.", min=1, metavar="N")] = 10,
    format: Format = None,  # noqa: A002
    out: Out = None,
) -> None:
    """Find the architectures whose counts round to a printed number, simplest first."""
    from lambda_arch.comparing import match as find
    from lambda_arch.reporting.audits import match_report

    emit(match_report(find(params, macs, depth, top)), format, out)
