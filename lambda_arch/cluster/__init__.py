"""The verbs on many machines, by Ray: ``connection`` joins a cluster, ``node`` is what runs there.

A :class:`Work` is what one accelerator does alone: ``timings``, ``trainings`` and ``calibrations`` have those of their
verbs. ``scheduling`` hands works to Ray and merges what comes back; ``claims`` keeps two drivers from the same work.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.cluster.calibrations import calibrate
    from lambda_arch.cluster.connection import connected
    from lambda_arch.cluster.predictions import predict
    from lambda_arch.cluster.scheduling import carry_out
    from lambda_arch.cluster.timings import measure
    from lambda_arch.cluster.trainings import train
    from lambda_arch.cluster.work import Work

_MODULES = {
    "Work": "work",
    "calibrate": "calibrations",
    "carry_out": "scheduling",
    "connected": "connection",
    "measure": "timings",
    "predict": "predictions",
    "train": "trainings",
}

__all__ = ["Work", "calibrate", "carry_out", "connected", "measure", "predict", "train"]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
