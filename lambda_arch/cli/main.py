"""The command line: one typer app, a file per command; errors become one line and exit code 2."""

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import typer

from lambda_arch.cli.command import Command, Group, usage_message, with_flags
from lambda_arch.cli.interrupts import ended_by_signals
from lambda_arch.cli.messages import say
from lambda_arch.errors import LambdaArchError, one_line, shown

COMMANDS = {
    "params": "costs.params",
    "flops": "costs.flops",
    "show": "show.show",
    "memory": "memory.memory",
    "compare": "compare.compare",
    "list": "listing.list_architectures",
    "tables": "tables.tables",
    "audit": "audit.audit",
    "match": "audit.match",
    "time": "time.time",
    "devices": "devices.devices",
    "results": "results.results",
    "calibrate": "calibrate.calibrate",
    "predict": "predict.predict",
    "search": "search.search",
    "pareto": "pareto.pareto",
    "train": "train.train",
    "evaluate": "train.evaluate",
    "runs": "runs.runs",
    "report": "report.report",
    "convert": "convert.convert",
    "export": "export.export",
}
"""The module and function of every command, in this package."""

OUT_OF: dict[type[Exception], str] = {
    MemoryError: "not enough memory for this",
    RecursionError: "nested too deeply",
    OverflowError: "a number too large to compute with",
}
"""Messages for the limits of the machine and of Python."""

USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # not exported itself


def make_app(command: str | None = None) -> typer.Typer:
    """Return the app with all commands, or only ``command``, which starts faster."""
    app = typer.Typer(
        name="lambda-arch",
        cls=Group,
        help="Count, time, compare, search and train LambdaResNets.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"max_content_width": 110},
    )
    app.callback()(_callback)
    for name in COMMANDS if command is None else [command]:
        module, function = COMMANDS[name].split(".")
        found = getattr(import_module(f"lambda_arch.cli.{module}"), function)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name, cls=Command)(found)
    return app


def _version(asked: bool) -> None:
    if asked:
        from lambda_arch import __version__

        say(f"lambda-arch {__version__}")
        raise typer.Exit


def _callback(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (by default the program's own) and return its exit code.

    It is 2, with one line on stderr, for user errors; 130 after Ctrl-C and 143 after SIGTERM; 70 for a bug, whose
    traceback goes to a file. It may be called repeatedly in one process.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    command: Any = None
    _allow_any_character()
    try:
        with ended_by_signals():
            command = typer.main.get_command(make_app(args[0] if args and args[0] in COMMANDS else None))
            return int(command.main(args, prog_name="lambda-arch", standalone_mode=False) or 0)
    except SystemExit as left:  # from shell completion or a signal
        return left.code if isinstance(left.code, int) else 0
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except USAGE_ERROR as error:
        message = usage_message(error, command)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except LambdaArchError as error:
        message = with_flags(error.full, command, args)
    except tuple(OUT_OF) as error:
        what = next(OUT_OF[kind] for kind in OUT_OF if isinstance(error, kind))
        message = f"{what} ({shown(error)})" if str(error) else what
    except Exception as error:
        say(f"lambda-arch: {_last_resort(error)}", err=True)
        return 70
    inputs = [each for arg in args for each in (arg, arg.partition("=")[2])]
    say(message if message.startswith("Usage:") else f"lambda-arch: {one_line(message, inputs)}", err=True)
    return 2


def _allow_any_character() -> None:
    """Let a stream that cannot encode a character (± in ASCII, ✗ in Windows' code pages) write its escape."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _last_resort(error: Exception) -> str:
    """Write the traceback of a bug to a file, and return a line that says so."""
    import tempfile
    import traceback

    what = one_line(f"{type(error).__name__}: {error}")
    with tempfile.NamedTemporaryFile("w", prefix="lambda-arch-", suffix=".txt", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return f"a mistake of the program: {shown(what)}; its traceback is in {file.name}"
