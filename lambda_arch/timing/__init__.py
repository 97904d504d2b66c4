"""Latency measured so that it can be trusted: isolated workers, interleaved rounds, raw samples kept in a store.

``worker`` is what runs in a worker process, and alone imports torch; ``protocol`` the process and its messages;
``rounds`` the schedule on top. :func:`measure`, :func:`calibrate`, :func:`predict`, :func:`roofline` and
:func:`devices` are the verbs.
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

_HOMES = {
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

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
