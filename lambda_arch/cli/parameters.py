"""Parameters shared by commands: declared once, and passed to a command as one value."""

import inspect
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any

Command = Callable[..., None]


def expand(command: Command, name: str, parameters: Sequence[Parameter], make: Callable[..., Any]) -> Command:
    """Return ``command`` with ``parameters`` in place of its parameter ``name``, which becomes ``make(**values)``."""

    def run(**values: Any) -> None:
        command(**{name: make(**{each.name: values.pop(each.name) for each in parameters})}, **values)

    own = inspect.signature(command).parameters.values()
    expanded = [new for each in own for new in (parameters if each.name == name else [each])]
    expanded = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in expanded]
    run.__signature__ = inspect.Signature(expanded)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in expanded}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def declared(fields: type, names: Sequence[str] = (), **defaults: Any) -> list[Parameter]:
    """Return the fields of a dataclass (all, or those in ``names``) as parameters, some with other ``defaults``."""
    known = inspect.signature(fields).parameters
    return [known[name].replace(default=defaults.get(name, known[name].default)) for name in names or tuple(known)]
