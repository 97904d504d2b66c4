"""The state of the machine during a measurement: clocks, temperature, power, and the load of other processes.

NVIDIA's figures come from its management library (nvidia-ml-py), if that is available. Imports torch.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import psutil
import torch

from lambda_arch.timing.protocol.messages import Conditions

THROTTLES = {
    "SwPowerCap": "power cap",
    "HwSlowdown": "hardware slowdown",
    "SwThermalSlowdown": "software thermal slowdown",
    "HwThermalSlowdown": "hardware thermal slowdown",
    "HwPowerBrakeSlowdown": "power brake",
}
"""The throttle reasons that cause a warning, by their names in the library."""

SHORTEST_INTERVAL = 0.05  # seconds: the kernel counts processor time in hundredths of a second


@cache
def _nvml() -> Any | None:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no library, no driver, no permission: nothing to read
        return None
    return pynvml


def nvidia_driver() -> str:
    """Return the version of the NVIDIA driver, or an empty text."""
    nvml = _nvml()
    if nvml is None:
        return ""
    version = nvml.nvmlSystemGetDriverVersion()
    return version.decode() if isinstance(version, bytes) else str(version)


class NvidiaGpu:
    """The sensors of the GPU that torch calls ``device``."""

    def __init__(self, device: str) -> None:
        self._nvml: Any = _nvml()
        self._handle: Any = None
        if self._nvml is not None:
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            self._handle = self._ask(self._nvml.nvmlDeviceGetHandleByUUID, f"GPU-{uuid}".encode())

    @staticmethod
    def _ask(function: Callable[..., Any], *args: Any) -> Any:
        try:
            return function(*args)
        except Exception:  # not supported by this device
            return None

    def joules(self) -> float | None:
        """Return the energy used so far, None if the device does not report it."""
        if self._handle is None:
            return None
        millijoules = self._ask(self._nvml.nvmlDeviceGetTotalEnergyConsumption, self._handle)
        return None if millijoules is None else millijoules / 1e3

    def conditions(self) -> Conditions:
        """Return clocks, temperature, power and throttle reasons, as far as the device reports them."""
        nvml, handle = self._nvml, self._handle
        if handle is None:
            return Conditions()
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage, handle)
        reasons = self._ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        return Conditions(
            sm_mhz=self._ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM),
            memory_mhz=self._ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM),
            celsius=self._ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            watts=None if milliwatts is None else milliwatts / 1e3,
            throttled=None if reasons is None else _throttles(nvml, reasons),
        )


def _throttles(nvml: Any, reasons: int) -> tuple[str, ...]:
    return tuple(
        text for name, text in THROTTLES.items() if reasons & getattr(nvml, f"nvmlClocksThrottleReason{name}", 0)
    )


class ProcessorLoad:
    """The share of the host's processor time that other processes used since the last call."""

    def __init__(self) -> None:
        self._last = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted in user and nice too
        own = os.times()
        return sum(times) - guests - idle, own.user + own.system, time.perf_counter()

    def others(self) -> float | None:
        """Return the share of all cores that was not idle and not used by this process (a hypervisor's included)."""
        busy, own, elapsed = (after - before for after, before in zip(self._now(), self._last, strict=True))
        self._last = self._now()
        if elapsed <= SHORTEST_INTERVAL:
            return None
        return round(max(0.0, min(1.0, (busy - own) / (elapsed * (os.cpu_count() or 1)))), 3)


class ConditionsMeter:
    """The conditions of a round on ``device``, from :meth:`start` to :meth:`stop`."""

    def __init__(self, device: str) -> None:
        self._gpu = NvidiaGpu(device) if device.startswith("cuda") else None
        self._load = ProcessorLoad()
        self._joules: float | None = None

    def start(self) -> None:
        """Begin a round."""
        self._load.others()
        self._joules = self._gpu.joules() if self._gpu else None

    def stop(self, images: int) -> Conditions:
        """Return the conditions of a round in which ``images`` were run."""
        others = self._load.others()
        if self._gpu is None:
            return Conditions(others)
        joules = self._gpu.joules()
        energy = None if joules is None or self._joules is None else (joules - self._joules) / images
        return replace(self._gpu.conditions(), others=others, joules_per_image=energy)
