"""The architectures of a command line: an argument, and a flag for every option."""

from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from lambda_arch.arch import OPTIONS, Architecture, Option, configure, parse, read_architecture, read_setting
from lambda_arch.cli.messages import say
from lambda_arch.cli.parameters import Command, expand
from lambda_arch.errors import ArchitectureError

DEFAULT = "lambda_resnet50"
HELP = "Names such as lambda_resnet50:k=8@256, or TOML files. [default: lambda_resnet50]"


def takes_architectures(command: Command) -> Command:
    """Give ``command(architectures, ...)`` the argument and the flags, which are applied to every named architecture.

    The command gets :class:`Named` architectures, by default :data:`DEFAULT`.
    """
    kinds: dict[str, Any] = {
        "architecture": Annotated[
            list[str] | None, typer.Argument(help=HELP, metavar="ARCHITECTURE", show_default=False)
        ],
        **{option.name: _flag(option.help, option.metavar) for option in OPTIONS},
        "image_size": _flag("Side of the square image.", "N"),
    }
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=None) for name, kind in kinds.items()
    ]
    return expand(command, "architectures", parameters, _named)


class Named(list[Architecture]):
    """The architectures of a command line; ``by_user`` is false if neither a name nor a flag asked for them."""

    by_user = True


def _named(architecture: list[str] | None, image_size: str | None, **flags: str | None) -> Named:
    settings = [read_setting(name, value) for name, value in flags.items() if value is not None]
    size = None if image_size is None else _image_size(image_size)
    chosen = Named(configure(_read(name), settings, size) for name in architecture or [DEFAULT])
    chosen.by_user = bool(architecture or settings or size)
    _note_unused(chosen, [setting.option for setting in settings if setting.option.letters])
    return chosen


def _flag(text: str, metavar: str) -> Any:
    return Annotated[str | None, typer.Option(help=text, metavar=metavar)]


def _read(name: str) -> Architecture:
    return read_architecture(Path(name)) if name.endswith(".toml") else parse(name)


def _image_size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArchitectureError(f"image_size={text}: expected a whole number, such as 224")
    return int(text)


def _note_unused(architectures: list[Architecture], options: list[Option]) -> None:
    for architecture in architectures:
        unused = next((option for option in options if not architecture.letters & set(option.letters)), None)
        if unused is not None:
            flag = f"--{unused.name.replace('_', '-')}"
            layers = "lambda" if unused.level == "lambda" else " or ".join(unused.letters)
            say(f"note: {architecture} has no {layers} layers; {flag} has no effect", err=True)
