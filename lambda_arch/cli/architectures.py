"""The architectures of a command line: an argument, and a flag for every option."""

from collections.abc import Iterable
from inspect import Parameter
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any

import typer

from lambda_arch.arch import OPTIONS, Architecture, Option, Swept, configure, read_architecture, read_setting, sweep
from lambda_arch.arch.options import BY_NAME
from lambda_arch.arch.sweeps import MOST_SWEPT, read_choices
from lambda_arch.cli.messages import say
from lambda_arch.cli.parameters import Command, expand
from lambda_arch.errors import ArchitectureError

DEFAULT = "lambda_resnet50"
HELP = "Names such as lambda_resnet50:k=8@256 (k=8|16 for both), or TOML files. [default: lambda_resnet50]"


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
    """The architectures of a command line; ``by_user`` is false if neither a name nor a flag asked for them.

    ``swept``: by the name of each, its values of the options that were given several; empty where none was.
    """

    by_user = True

    def __init__(self, architectures: Iterable[Architecture] = ()) -> None:
        super().__init__(architectures)
        self.swept: dict[str, dict[str, str]] = {}


def _named(architecture: list[str] | None, image_size: str | None, **flags: str | None) -> Named:
    given = {**flags, "image_size": image_size}
    choices = {name: read_choices(name, value) for name, value in given.items() if value is not None}
    bases = [base for name in architecture or [DEFAULT] for base in _read(name)]
    number = len(bases) * prod(map(len, choices.values()))
    if number > MOST_SWEPT:
        raise ArchitectureError(f"{number:,} architectures; expected at most {MOST_SWEPT:,}")
    found: list[Swept] = []
    for base in bases:
        for values in product(*choices.values()):
            chosen = dict(zip(choices, values, strict=True))
            swept = {name: value for name, value in chosen.items() if len(choices[name]) > 1}
            size = chosen.pop("image_size", None)
            settings = [read_setting(name, value) for name, value in chosen.items()]
            network = configure(base.architecture, settings, None if size is None else _image_size(size))
            found.append(Swept(network, {**base.values, **swept}))
    named = Named(each.architecture for each in found)
    if any(each.values for each in found):
        named = Named(dict.fromkeys(named))
        for each in found:
            kept = named.swept.setdefault(str(each.architecture), dict(each.values))
            kept.update({name: "" for name in kept if kept[name] != each.values.get(name)})  # of no effect
    named.by_user = bool(architecture or choices)
    _note_unused(list(dict.fromkeys(named)), [BY_NAME[name] for name in choices if name in BY_NAME])
    return named


def _flag(text: str, metavar: str) -> Any:
    return Annotated[str | None, typer.Option(help=text, metavar=metavar)]


def _read(name: str) -> list[Swept]:
    return [Swept(read_architecture(Path(name)), {})] if name.endswith(".toml") else sweep(name)


def _image_size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArchitectureError(f"image_size={text}: expected a whole number, such as 224")
    return int(text)


def _note_unused(architectures: list[Architecture], options: list[Option]) -> None:
    for architecture in architectures:
        unused = next(
            (option for option in options if option.letters and not architecture.letters & set(option.letters)), None
        )
        if unused is not None:
            flag = f"--{unused.name.replace('_', '-')}"
            layers = "lambda" if unused.level == "lambda" else " or ".join(unused.letters)
            say(f"note: {architecture} has no {layers} layers; {flag} has no effect", err=True)
