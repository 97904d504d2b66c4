"""The verbs on many machines, by Ray: ``connection`` joins a cluster, ``node`` is what runs there.

A :class:`Work` is what one accelerator does alone: ``timings``, ``trainings`` and ``calibrations`` have those of their
verbs. ``scheduling`` hands works to Ray and merges what comes back; ``nodes`` are those that may do them.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.cluster.calibrations import calibrate
    from lambda_arch.cluster.connection import connected
    from lambda_arch.cluster.predictions import predict
    from lambda_arch.cluster.scheduling import carry_out
    from lambda_arch.cluster.searches import explore, search
    from lambda_arch.cluster.timings import measure, measure_table
    from lambda_arch.cluster.trainings import train
    from lambda_arch.cluster.work import Work

_MODULES = {
    "Work": "work",
    "calibrate": "calibrations",
    "carry_out": "scheduling",
    "connected": "connection",
    "explore": "searches",
    "measure": "timings",
    "measure_table": "timings",
    "predict": "predictions",
    "search": "searches",
    "train": "trainings",
}

__all__ = [
    "Work",
    "calibrate",
    "carry_out",
    "connected",
    "explore",
    "measure",
    "measure_table",
    "predict",
    "search",
    "train",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
