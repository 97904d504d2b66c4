"""The command line: one typer app, a file a command; errors become one line and exit code 2."""

import sys

import typer

from lambda_arch.cli import audit, convert, costs, listing, show, tables

app = typer.Typer(
    name="lambda-arch",
    help="Exact costs of LambdaResNets, beside what was published.",
    add_completion=True,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 110},
)
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # not exported itself


def _version(asked: bool) -> None:
    if asked:
        from lambda_arch import __version__

        typer.echo(f"lambda-arch {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    pass


for module in (costs, show, listing, tables, audit, convert):
    module.register(app)


def main() -> None:
    """Run the command line and leave with its exit code: 2, after one line on stderr, for what cannot be done."""
    try:
        sys.exit(app(standalone_mode=False))
    except BrokenPipeError:  # the reader of our pipe has left
        sys.stderr.close()
        sys.exit(0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except USAGE_ERROR as error:
        _fail(error.format_message())  # type: ignore[attr-defined]
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ValueError as error:  # ArchitectureError, and what else cannot be done
        _fail(str(error))


def _fail(message: str) -> None:
    typer.echo(message if message.startswith("Usage:") else f"lambda-arch: {' '.join(message.split())}", err=True)
    sys.exit(2)
