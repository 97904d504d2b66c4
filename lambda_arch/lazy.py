"""Lazy imports: a package's names are imported on first use, so that ``import`` loads nothing heavy (PEP 562).

Libraries of extras are imported where they are used, after a check that they are installed.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from lambda_arch.errors import SetupError


def lazy_names(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for ``package``; ``modules`` maps each name to its submodule.

    A name that is its submodule's own is the submodule itself.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{modules[name]}")
        value = module if name == modules[name] else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted(modules)


def check_installed(extra: str, *modules: str) -> None:
    """Raise :class:`SetupError`, which names the ``extra`` to install, unless all ``modules`` of it are there."""
    for module in modules:
        if not is_installed(module):
            raise SetupError(f"{module} is not installed; expected `pip install 'lambda-arch[{extra}]'`")


def is_installed(*modules: str) -> bool:
    """Return whether all ``modules`` can be imported, without importing them."""
    return all(find_spec(module) for module in modules)
