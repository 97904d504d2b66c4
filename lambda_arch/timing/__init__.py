"""Latency measured so that it can be trusted: isolated workers, rounds by turns, a store of raw samples.

Only the workers import torch.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.timing.cell import Cell, Setup
    from lambda_arch.timing.measure import Measuring, describe, largest_batch
    from lambda_arch.timing.records import Measurement, measurements
    from lambda_arch.timing.statistics import Limits, Summary, summarize
    from lambda_arch.timing.store import Store, default_path

_HOMES = {
    "Cell": "cell",
    "Setup": "cell",
    "Measuring": "measure",
    "describe": "measure",
    "largest_batch": "measure",
    "Measurement": "records",
    "measurements": "records",
    "Limits": "statistics",
    "Summary": "statistics",
    "summarize": "statistics",
    "Store": "store",
    "default_path": "store",
}

__all__ = [
    "Cell",
    "Limits",
    "Measurement",
    "Measuring",
    "Setup",
    "Store",
    "Summary",
    "default_path",
    "describe",
    "largest_batch",
    "measurements",
    "summarize",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
