"""``lambda-arch list``."""

import typer

from lambda_arch.arch import all_named, parse
from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.costs import count
from lambda_arch.reporting.ledgers import list_report


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("list")(list_architectures)


def list_architectures(format: Format = None, out: Out = None) -> None:  # noqa: A002
    """List every named architecture, with its source and headline costs."""
    emit(
        list_report([(entry.name, entry.source, count(parse(entry.name))) for entry in all_named()]),
        format,
        out,
    )
