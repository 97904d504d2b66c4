"""What the machine was doing while it was measured: clocks, temperature, power; and who else used the processor.

NVIDIA's figures come from its management library (nvidia-ml-py), where it answers; what a device does not tell is
left out.
"""

import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

THROTTLES = {
    "SwPowerCap": "power cap",
    "HwSlowdown": "hardware slowdown",
    "SwThermalSlowdown": "software thermal slowdown",
    "HwThermalSlowdown": "hardware thermal slowdown",
    "HwPowerBrakeSlowdown": "power brake",
}
"""The throttle reasons worth a warning, by their names in the library."""


@cache
def _nvml() -> Any | None:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no library, no driver, no permission: nothing to read
        return None
    return pynvml


def nvidia_driver() -> str:
    """Return the NVIDIA driver's version, or nothing."""
    nvml = _nvml()
    if nvml is None:
        return ""
    version = nvml.nvmlSystemGetDriverVersion()
    return version.decode() if isinstance(version, bytes) else str(version)


class NvidiaDevice:
    """The readings of the GPU that torch calls ``device``."""

    def __init__(self, device: str) -> None:
        import torch

        self._nvml = _nvml()
        self._handle: Any = None
        if self._nvml is not None:
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            self._handle = self._ask(self._nvml.nvmlDeviceGetHandleByUUID, f"GPU-{uuid}".encode())

    @staticmethod
    def _ask(function: Callable[..., Any], *args: Any) -> Any:
        try:
            return function(*args)
        except Exception:  # this device does not tell
            return None

    def read(self) -> dict[str, Any]:
        """Return MHz, degrees, watts, throttle reasons and the joules used so far, as far as the device tells."""
        nvml, handle = self._nvml, self._handle
        if nvml is None or handle is None:
            return {}
        found = {
            "sm_mhz": self._ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM),
            "memory_mhz": self._ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM),
            "celsius": self._ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
        }
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage, handle)
        millijoules = self._ask(nvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        reasons = self._ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        found["watts"] = None if milliwatts is None else milliwatts / 1e3
        found["joules"] = None if millijoules is None else millijoules / 1e3
        if reasons is not None:
            found["throttled"] = [
                text
                for name, text in THROTTLES.items()
                if reasons & getattr(nvml, f"nvmlClocksThrottleReason{name}", 0)
            ]
        return {name: value for name, value in found.items() if value is not None}


class Processor:
    """The share of the host's processor time that others took since the last look."""

    def __init__(self) -> None:
        self._last = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        import psutil

        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted in user and nice too
        own = os.times()
        return sum(times) - guests - idle, own.user + own.system, time.perf_counter()

    def read(self) -> dict[str, Any]:
        """Return ``others``: the share of all cores that was busy, or taken by the host's host, but not for us."""
        busy, own, now = (after - before for after, before in zip(self._now(), self._last, strict=True))
        self._last = self._now()
        if now <= 0.05:  # the kernel counts in hundredths of a second
            return {}
        return {"others": round(max(0.0, min(1.0, (busy - own) / (now * (os.cpu_count() or 1)))), 3)}


class Readings:
    """What there is to read around a turn on ``device``."""

    def __init__(self, device: str) -> None:
        self._gpu = NvidiaDevice(device) if device.startswith("cuda") else None
        self._processor = Processor()
        self._joules: float | None = None

    def begin(self) -> None:
        """Look before a turn."""
        self._processor.read()
        self._joules = self._gpu.read().get("joules") if self._gpu else None

    def end(self, images: int) -> dict[str, Any]:
        """Return the readings after a turn in which ``images`` were run."""
        found = self._processor.read()
        if self._gpu is not None:
            found |= self._gpu.read()
            joules = found.pop("joules", None)
            if joules is not None and self._joules is not None and images:
                found["joules_per_image"] = (joules - self._joules) / images
        return found
