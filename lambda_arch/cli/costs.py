"""``lambda-arch params`` and ``lambda-arch flops``."""

import typer

from lambda_arch.arch import Architecture
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.output import Format, FormatName, Out, emit
from lambda_arch.comparing import published_figures
from lambda_arch.costs import count
from lambda_arch.reporting.ledgers import costs_report


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(takes_architectures(params))
    app.command()(takes_architectures(flops))


def params(architectures: list[Architecture], format: Format = None, out: Out = None) -> None:  # noqa: A002
    """Count parameters, and compare them with what was published of this architecture."""
    _emit(architectures, "params", format, out)


def flops(architectures: list[Architecture], format: Format = None, out: Out = None) -> None:  # noqa: A002
    """Count multiply-accumulates and FLOPs, by stage."""
    _emit(architectures, "macs", format, out)


def _emit(architectures: list[Architecture], quantity: str, name: FormatName | None, out: Out) -> None:
    ledgers = [count(architecture) for architecture in architectures]
    emit(costs_report(ledgers, [published_figures(a) for a in architectures], quantity), name, out)
