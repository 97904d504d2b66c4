"""Latency measured so that it can be trusted: isolated workers, rounds by turns, a store of raw samples.

Only the workers import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_arch.timing.cell import Cell, Setup, SetupError
    from lambda_arch.timing.measure import Measuring, describe, largest_batch
    from lambda_arch.timing.records import Measurement, measurements
    from lambda_arch.timing.statistics import Limits, Summary, summarize
    from lambda_arch.timing.store import Store, StoreError, default_path

_ROOMS = {
    "Cell": "cell",
    "Setup": "cell",
    "SetupError": "cell",
    "Measuring": "measure",
    "describe": "measure",
    "largest_batch": "measure",
    "Measurement": "records",
    "measurements": "records",
    "Limits": "statistics",
    "Summary": "statistics",
    "summarize": "statistics",
    "Store": "store",
    "StoreError": "store",
    "default_path": "store",
}

__all__ = [
    "Cell",
    "Limits",
    "Measurement",
    "Measuring",
    "Setup",
    "SetupError",
    "Store",
    "StoreError",
    "Summary",
    "default_path",
    "describe",
    "largest_batch",
    "measurements",
    "summarize",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
