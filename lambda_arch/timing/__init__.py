"""Latency measured so that it can be trusted: isolated workers, interleaved rounds, raw samples kept in a store.

Only the workers import torch.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.timing.measure import Measuring, describe, largest_batch_size
    from lambda_arch.timing.statistics import Limits

_HOMES = {"Limits": "statistics", "Measuring": "measure", "describe": "measure", "largest_batch_size": "measure"}

__all__ = ["Limits", "Measuring", "describe", "largest_batch_size"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
