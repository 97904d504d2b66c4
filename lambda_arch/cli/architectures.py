"""The part of a command line that names architectures: an argument, and a flag for every option."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from lambda_arch.arch import (
    OPTIONS,
    Architecture,
    ArchitectureError,
    Option,
    configure,
    parse,
    read_architecture,
    read_setting,
)

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
DEFAULT = "lambda_resnet50"
HELP = "Names such as lambda_resnet50:k=8@256, or TOML files. [default: lambda_resnet50]"


def takes_architectures(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command(architectures, ...)`` the argument and the flags; the flags apply on top of every name."""

    def run(architecture: list[str] | None, image_size: str | None, **rest: Any) -> None:
        flags = {option.name: rest.pop(option.name) for option in OPTIONS}
        settings = [read_setting(name, value) for name, value in flags.items() if value is not None]
        size = None if image_size is None else _image_size(image_size)
        chosen = [configure(_read(name), settings, size) for name in architecture or [DEFAULT]]
        _note_unused(chosen, [setting.option for setting in settings if setting.option.letters])
        command(chosen, **rest)

    own = list(inspect.signature(command).parameters.values())[1:]
    shared = {
        "architecture": Annotated[
            list[str] | None, typer.Argument(help=HELP, metavar="ARCHITECTURE", show_default=False)
        ],
        **{o.name: _flag(o.name, o.help, o.metavar) for o in OPTIONS},
        "image_size": _flag("image_size", "Side of the square image.", "N"),
    }
    parameters = [
        *(inspect.Parameter(name, KEYWORD_ONLY, annotation=kind, default=None) for name, kind in shared.items()),
        *(parameter.replace(kind=KEYWORD_ONLY) for parameter in own),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _flag(name: str, text: str, metavar: str) -> Any:
    flag = f"--{name.replace('_', '-')}"
    return Annotated[str | None, typer.Option(flag, help=text, metavar=metavar)]


def _read(name: str) -> Architecture:
    return read_architecture(Path(name)) if name.endswith(".toml") else parse(name)


def _image_size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArchitectureError(f"--image-size {text}: expected a whole number, such as 224")
    return int(text)


def _note_unused(architectures: list[Architecture], options: list[Option]) -> None:
    for architecture in architectures:
        unused = next((option for option in options if not architecture.letters & set(option.letters)), None)
        if unused is not None:
            flag = f"--{unused.name.replace('_', '-')}"
            layers = "lambda" if unused.level == "lambda" else " or ".join(unused.letters)
            typer.echo(f"note: {architecture} has no {layers} layers; {flag} has no effect", err=True)
