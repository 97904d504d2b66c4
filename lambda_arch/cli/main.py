"""The command line: one typer app, a file a command; errors become one line and exit code 2."""

import sys
from importlib import import_module

import typer

COMMANDS = {
    "params": "costs",
    "flops": "costs",
    "show": "show",
    "list": "listing",
    "tables": "tables",
    "audit": "audit",
    "match": "audit",
    "time": "time",
    "devices": "devices",
    "results": "results",
    "calibrate": "calibrate",
    "predict": "predict",
    "search": "search",
    "pareto": "pareto",
    "convert": "convert",
}
"""Every command, and the module of this package that has it."""

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # not exported itself


def make_app(command: str | None = None) -> typer.Typer:
    """Return the command line, with all commands or only those of the module of ``command``: it starts sooner."""
    app = typer.Typer(
        name="lambda-arch",
        help="Exact costs of LambdaResNets, beside what was published.",
        add_completion=True,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"max_content_width": 110},
    )
    app.callback()(_callback)
    modules = COMMANDS.values() if command is None else [COMMANDS[command]]
    for module in dict.fromkeys(modules):
        import_module(f"lambda_arch.cli.{module}").register(app)
    return app


def _version(asked: bool) -> None:
    if asked:
        from lambda_arch import __version__

        typer.echo(f"lambda-arch {__version__}")
        raise typer.Exit


def _callback(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line and leave with its exit code: 2, after one line on stderr, for what cannot be done."""
    command = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] in COMMANDS else None
    try:
        sys.exit(make_app(command)(standalone_mode=False))
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
