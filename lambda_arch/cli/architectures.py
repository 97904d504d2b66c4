"""The architectures of a command line: an argument, and a flag for every option."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from inspect import Parameter
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any

import typer

from lambda_arch.arch import (
    OPTIONS,
    Architecture,
    Swept,
    all_named,
    configure,
    read_architecture,
    read_setting,
    sweep,
)
from lambda_arch.arch.options import BY_NAME
from lambda_arch.arch.sweeps import MOST_SWEPT, read_choices
from lambda_arch.arch.weights_file import ENDING as WEIGHTS
from lambda_arch.arch.weights_file import read_named_architecture
from lambda_arch.cli.messages import say
from lambda_arch.cli.parameters import Command, expand
from lambda_arch.errors import ArchitectureError
from lambda_arch.interop.inputs import Input, image_input, read_inputs
from lambda_arch.interop.references import Reference, is_reference, read_reference

DEFAULT = "lambda_resnet50"
HELP = (
    "Names such as lambda_resnet50:k=8@256 (k=8|16 for both), or TOML and safetensors files. [default: lambda_resnet50]"
)
HELP_WITH_MODULES = HELP.replace(
    "TOML and safetensors files.",
    "TOML and safetensors files, or any module: FILE.py:FACTORY(width=64), PACKAGE:FACTORY.",
)
INPUT_HELP = "An input of modules, such as 1,3,224,224 or 1,77:int64; once per argument. [default: one image]"


def takes_architectures(command: Command, *, modules: bool = False, default: Sequence[str] = (DEFAULT,)) -> Command:
    """Give ``command(architectures, ...)`` the argument and the flags, which are applied to every named architecture.

    The command gets :class:`Named` architectures, by default :data:`DEFAULT` or those in ``default``. ``modules``: any
    torch module is taken too, by reference, with a flag for its inputs.
    """
    kinds: dict[str, Any] = {
        "architecture": Annotated[
            list[str] | None,
            typer.Argument(
                help=HELP_WITH_MODULES if modules else HELP,
                metavar="ARCHITECTURE",
                show_default=False,
                autocompletion=_names,
            ),
        ],
        **{option.name: _flag(option.help, option.metavar) for option in OPTIONS},
        "image_size": _flag("Side of the square image. [default: the name's]", "N"),
        **({"input": Annotated[list[str] | None, typer.Option(help=INPUT_HELP, metavar="SHAPE")]} if modules else {}),
    }
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=None) for name, kind in kinds.items()
    ]
    return expand(
        command, "architectures", parameters, _networks if modules else partial(_named, default=list(default))
    )


def takes_listed(command: Command) -> Command:
    """Give ``command(architectures, ...)`` what :func:`takes_architectures` does; the default are all named ones."""
    return takes_architectures(command, default=tuple(entry.name for entry in all_named()))


def takes_networks(command: Command) -> Command:
    """Give ``command(architectures, ...)`` what :func:`takes_architectures` does, and modules of any kind."""
    return takes_architectures(command, modules=True)


class Named(list[Any]):
    """The architectures of a command line; ``by_user`` is false if neither a name nor a flag asked for them.

    They are an :class:`Architecture` each, or a :class:`Reference` to a module where the command takes modules.

    ``swept``: by the name of each, its values of the options that were given several; empty where none was.
    ``inputs``: what was asked for of modules.
    """

    by_user = True

    def __init__(self, architectures: Iterable[Architecture | Reference] = ()) -> None:
        super().__init__(architectures)
        self.swept: dict[str, dict[str, str]] = {}
        self.inputs: tuple[Input, ...] | None = None


def _networks(
    architecture: list[str] | None,
    image_size: str | None,
    input: list[str] | None,  # noqa: A002  # the flag's name
    **flags: Any,
) -> Named:
    """Return named architectures and references to modules, in the order given."""
    names = architecture or []
    texts = {name for name in names if is_reference(name)}
    if not texts:
        found = _named(architecture, image_size, **flags)
        found.inputs = read_inputs(input) if input else None
        return found
    sizes = read_choices("image_size", image_size or "224")
    inputs = [read_inputs(input)] if input else [(image_input(_image_size(size)),) for size in sizes]
    by_name = [name for name in names if name not in texts]
    unused = next((name for name, value in flags.items() if value is not None), None)
    if unused and not by_name:
        raise ArchitectureError(f"{unused}={flags[unused]}: is for architectures by name; {names[0]} is a module")
    found = Named()
    found.inputs = inputs[0]
    for name in names:
        if name in texts:
            found += [read_reference(name, each) for each in inputs]
        else:
            named = _named([name], image_size, checked=False, **flags)
            found += named
            found.swept |= named.swept
    _check_used([each for each in found if not isinstance(each, Reference)], flags)
    return found


def _named(
    architecture: list[str] | None,
    image_size: str | None,
    *,
    default: Sequence[str] = (DEFAULT,),
    checked: bool = True,
    **flags: Any,
) -> Named:
    """Return named architectures with the settings of the flags, each ``checked`` to have an effect on some of them."""
    given = {**flags, "image_size": image_size}
    choices = {name: read_choices(name, value) for name, value in given.items() if value is not None}
    bases = [base for name in architecture or default for base in _read(name)]
    number = len(bases) * prod(map(len, choices.values()))
    if number > MOST_SWEPT:
        raise ArchitectureError(f"{number:,} architectures; expected at most {MOST_SWEPT:,}")
    found: list[Swept] = []
    several = not architecture and len(default) > 1  # those that cannot have the settings are left out
    refused: ArchitectureError | None = None
    for base in bases:
        for values in product(*choices.values()):
            chosen = dict(zip(choices, values, strict=True))
            swept = {name: value for name, value in chosen.items() if len(choices[name]) > 1}
            size = chosen.pop("image_size", None)
            settings = [read_setting(name, value) for name, value in chosen.items()]
            image = None if size is None else _image_size(size)
            try:
                network = configure(base.architecture, settings, image)
            except ArchitectureError as error:
                if not several:
                    raise
                refused = refused or error
                continue
            found.append(Swept(network, {**base.values, **swept}))
    if refused is not None and not found:
        raise refused
    named = Named(each.architecture for each in found)
    if any(each.values for each in found):
        named = Named(dict.fromkeys(named))
        for each in found:
            kept = named.swept.setdefault(str(each.architecture), dict(each.values))
            kept.update({name: "" for name in kept if kept[name] != each.values.get(name)})  # of no effect
    named.by_user = bool(architecture or choices)
    if checked:
        _check_used(named, flags)
    return named


def _flag(text: str, metavar: str) -> Any:
    words = [word for word in metavar.split("|") if not word.isupper()]

    def complete(incomplete: str) -> list[str]:
        return _beginning(words, incomplete)

    return Annotated[str | None, typer.Option(help=text, metavar=metavar, autocompletion=complete)]


def _names(incomplete: str) -> list[str]:
    return _beginning([entry.name for entry in all_named()], incomplete)


def _beginning(words: Sequence[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def read_baseline(name: str | None, others: Named) -> Architecture | Reference | None:
    """Return a baseline as the root verbs take it: a reference to a module with the inputs of the ``others``."""
    if name is not None and is_reference(name):
        return read_reference(name, others.inputs)
    check_inputs(others)
    return None if name is None else read_one(name)


def check_inputs(networks: Named) -> None:
    """Raise :class:`ArchitectureError` for inputs of modules where there is none."""
    if networks.inputs and not any(isinstance(each, Reference) for each in networks):
        raise ArchitectureError(
            f"input={networks.inputs[0]}: is for modules such as FILE.py:FACTORY; expected --image-size N"
        )


def _read(name: str) -> list[Swept]:
    if is_reference(name):
        raise ArchitectureError(
            f"{name}: a module; expected an architecture by name; `params`, `flops`, `show` and `time` take modules"
        )
    if name.endswith(".py"):
        raise ArchitectureError(f"{name}: a Python file; expected {name}:FACTORY, which makes a module, or a name")
    read = {".toml": read_architecture, WEIGHTS: read_named_architecture}.get(Path(name).suffix)
    return [Swept(read(Path(name)), {})] if read else sweep(name)


def read_one(name: str) -> Architecture:
    """Return the architecture of a name or a file. Raises :class:`ArchitectureError` for several, such as k=8|16."""
    found = _read(name)
    if len(found) > 1:
        raise ArchitectureError(f"{name}: {len(found)} architectures; expected one")
    return found[0].architecture


def _image_size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArchitectureError(f"image_size={text}: expected a whole number, such as 224")
    return int(text)


def _check_used(named: Iterable[Architecture], flags: Mapping[str, str | None]) -> None:
    """Raise :class:`ArchitectureError` for an option for which none has layers; note one for which some have none."""
    architectures = list(dict.fromkeys(named))
    for option in [BY_NAME[name] for name, value in flags.items() if value is not None and name in BY_NAME]:
        without = [each for each in architectures if not option.letters or not each.letters & set(option.letters)]
        if not option.letters or not without:
            continue
        layers = "lambda" if option.level == "lambda" else " or ".join(option.letters)
        flag = f"--{option.name.replace('_', '-')}"
        if len(without) == len(architectures):
            letters = " or ".join(option.letters)
            raise ArchitectureError(
                f"{flag}: {without[0]} has no {layers} layers; expected {letters} in stages, or no {flag}"
            )
        which = f"{without[0]} and {len(without) - 1} more have" if len(without) > 1 else f"{without[0]} has"
        say(f"note: {which} no {layers} layers; {flag} has no effect there", err=True)
