"""The closed form and the torch module of each kind of part, looked up by the type of its settings.

The packages ``costs`` and ``nn`` register theirs here, as do extensions (see :mod:`lambda_arch.arch.registry`).
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from lambda_arch.arch.part import Part
from lambda_arch.errors import ArchitectureError

FORMULAS: dict[type[Any], Callable[[Part], Iterable[Any]]] = {}
MODULES: dict[type[Any], Callable[[Part], Any]] = {}

F = TypeVar("F", bound=Callable[[Part], Any])


def formula_of(*kinds: type[Any]) -> Callable[[F], F]:
    """Register the closed form of parts whose settings are of the types ``kinds``: it yields the rows of their ledger.

    It takes a :class:`Part` and gives :class:`lambda_arch.costs.Row` values, for one image. No errors are raised.
    """
    return _register(FORMULAS, kinds)


def module_of(*kinds: type[Any]) -> Callable[[F], F]:
    """Register the function (or class) that makes the torch module of parts whose settings are of the types ``kinds``.

    It takes a :class:`Part` and gives an ``nn.Module`` of (b, dim, H, W) to (b, dim_out, H', W'). No errors are raised.
    """
    return _register(MODULES, kinds)


def find(table: dict[type[Any], Callable[[Part], Any]], part: Part) -> Callable[[Part], Any]:
    """Return the entry of ``table`` for a part; raises :class:`ArchitectureError` where there is none."""
    kind = type(part.settings)
    if kind not in table:
        what, decorator = ("closed form", "formula_of") if table is FORMULAS else ("torch module", "module_of")
        raise ArchitectureError(f"{part.path}: no {what} of {kind.__name__}; expected one registered by {decorator}")
    return table[kind]


def _register(table: dict[type[Any], Callable[[Part], Any]], kinds: tuple[type[Any], ...]) -> Callable[[F], F]:
    def register(function: F) -> F:
        table.update(dict.fromkeys(kinds, function))
        return function

    return register
