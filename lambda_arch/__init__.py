"""Build, count, time, compare and search LambdaResNets (Bello, ICLR 2021).

>>> from lambda_arch import count
>>> count("lambda_resnet50").params
14995592

Nothing heavy is imported until it is used: :func:`build` loads torch, :func:`count_many` numpy.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch import timm
    from lambda_arch.arch import ResNet, parse
    from lambda_arch.comparing import compare
    from lambda_arch.comparing.findings import audit
    from lambda_arch.comparing.matching import match
    from lambda_arch.comparing.sides import side_by_side
    from lambda_arch.costs import Ledger, count_many
    from lambda_arch.costs.footprint import Footprint, memory
    from lambda_arch.errors import (
        ArchitectureError,
        DataError,
        LambdaArchError,
        ModuleError,
        SetupError,
        StoreError,
        TrainingError,
    )
    from lambda_arch.interop import count, export
    from lambda_arch.nn import LambdaLayer, build
    from lambda_arch.nn.conversion.from_checkpoint import convert
    from lambda_arch.reporting.catalogues import table
    from lambda_arch.searching import explore, propose, search
    from lambda_arch.store import Store
    from lambda_arch.timing import calibrate, measure, predict
    from lambda_arch.timing.preparing import prepare
    from lambda_arch.training import Recipe, evaluate, train

__version__ = "0.1.0"

_MODULES = {
    "ArchitectureError": "errors",
    "DataError": "errors",
    "Footprint": "costs.footprint",
    "LambdaArchError": "errors",
    "LambdaLayer": "nn",
    "Ledger": "costs",
    "ModuleError": "errors",
    "Recipe": "training",
    "ResNet": "arch",
    "SetupError": "errors",
    "Store": "store",
    "StoreError": "errors",
    "TrainingError": "errors",
    "audit": "comparing",
    "build": "nn",
    "calibrate": "timing",
    "compare": "comparing",
    "convert": "nn",
    "count": "interop",
    "count_many": "costs",
    "evaluate": "training",
    "export": "interop",
    "explore": "searching",
    "match": "comparing",
    "measure": "timing",
    "memory": "costs.footprint",
    "parse": "arch",
    "predict": "timing",
    "prepare": "timing.preparing",
    "propose": "searching",
    "search": "searching",
    "side_by_side": "comparing",
    "table": "reporting.catalogues",
    "timm": "timm",
    "train": "training",
}

__all__ = [
    "ArchitectureError",
    "DataError",
    "Footprint",
    "LambdaArchError",
    "LambdaLayer",
    "Ledger",
    "ModuleError",
    "Recipe",
    "ResNet",
    "SetupError",
    "Store",
    "StoreError",
    "TrainingError",
    "audit",
    "build",
    "calibrate",
    "compare",
    "convert",
    "count",
    "count_many",
    "evaluate",
    "explore",
    "export",
    "match",
    "measure",
    "memory",
    "parse",
    "predict",
    "prepare",
    "propose",
    "search",
    "side_by_side",
    "table",
    "timm",
    "train",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
