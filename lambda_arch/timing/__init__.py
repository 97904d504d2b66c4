"""Reliable measurements of latency: isolated workers, interleaved rounds, raw samples in a store.

``worker`` runs in a worker process and is the only part that imports torch, apart from ``autotuning``. ``protocol`` has
the process and its messages, ``rounds`` the schedule on top. The verbs are :func:`measure`, :func:`calibrate`,
:func:`predict`, :func:`roofline` and :func:`devices`.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.timing.autotuning import autotune
    from lambda_arch.timing.calibration import BlockLatencies, Calibration, block_latencies, calibrate
    from lambda_arch.timing.limits import Limits
    from lambda_arch.timing.machines import Devices, devices
    from lambda_arch.timing.measuring import Measurements, Timing, measure
    from lambda_arch.timing.prediction import Predictions, predict
    from lambda_arch.timing.rooflines import Rooflines, roofline

_MODULES = {
    "BlockLatencies": "calibration",
    "Calibration": "calibration",
    "Devices": "machines",
    "Limits": "limits",
    "Measurements": "measuring",
    "Predictions": "prediction",
    "Rooflines": "rooflines",
    "Timing": "measuring",
    "autotune": "autotuning",
    "block_latencies": "calibration",
    "calibrate": "calibration",
    "devices": "machines",
    "measure": "measuring",
    "predict": "prediction",
    "roofline": "rooflines",
}

__all__ = [
    "BlockLatencies",
    "Calibration",
    "Devices",
    "Limits",
    "Measurements",
    "Predictions",
    "Rooflines",
    "Timing",
    "autotune",
    "block_latencies",
    "calibrate",
    "devices",
    "measure",
    "predict",
    "roofline",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
