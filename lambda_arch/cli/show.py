"""``lambda-arch show``."""

import typer

from lambda_arch.arch import Architecture, ArchitectureError
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.count import count
from lambda_arch.report.costs import show_report


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(takes_architectures(show))


def show(architectures: list[Architecture], format: Format = None, out: Out = None) -> None:  # noqa: A002
    """Show the ledger: a row a module, with its output's shape, parameters, MACs and share of the total."""
    if len(architectures) > 1:
        raise ArchitectureError(f"{architectures[1]}: expected one architecture to show")
    emit(show_report(count(architectures[0])), format, out)
