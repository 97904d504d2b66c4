"""Build, count and compare LambdaResNets (Bello, ICLR 2021).

>>> from lambda_arch import parse
>>> from lambda_arch.count import count
>>> count(parse("lambda_resnet50")).params
14995592

Nothing heavy is imported until it is used: :func:`build` and the counting books that run a network load torch,
:func:`count_many` loads numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_arch.arch import ArchitectureError, ResNet, parse
    from lambda_arch.count import Ledger, count_many
    from lambda_arch.nn import LambdaLayer, build

__version__ = "0.1.0"

__all__ = [
    "ArchitectureError",
    "LambdaLayer",
    "Ledger",
    "ResNet",
    "build",
    "count_many",
    "parse",
]

_ROOMS = {
    "ArchitectureError": "arch",
    "ResNet": "arch",
    "parse": "arch",
    "Ledger": "count",
    "count_many": "count",
    "LambdaLayer": "nn",
    "build": "nn",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
