"""Timing of calls on a device. Imports torch."""

import time
from collections.abc import Callable

import torch

from lambda_arch.timing.worker.devices import select_device

Mark = torch.cuda.Event | float
"""A point in time on a device: an event in its stream, or the clock's time in seconds."""


class Timer:
    """Times calls: with events on CUDA, elsewhere with a clock: wall, or cpu (processor time of this process)."""

    def __init__(self, device: str, clock: str = "wall") -> None:
        self.device = select_device(device)
        self.kind = self.device.type
        self._now = time.process_time if clock == "cpu" else time.perf_counter

    def synchronize(self) -> None:
        """Wait until the device has finished its work."""
        if self.kind == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.kind == "mps":
            torch.mps.synchronize()

    def mark(self) -> Mark:
        """Return the point in time that the device has reached."""
        if self.kind == "cuda":
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            return event
        self.synchronize()
        return self._now()

    @staticmethod
    def between(start: Mark, end: Mark) -> float:
        """Return the seconds from one mark to another; the device must have reached both."""
        if isinstance(start, float) or isinstance(end, float):
            assert isinstance(start, float) and isinstance(end, float)
            return end - start
        return float(start.elapsed_time(end)) / 1e3

    def seconds(self, call: Callable[[], object], times: int = 1) -> float:
        """Return the mean seconds of ``times`` calls in a row."""
        self.synchronize()
        start = self.mark()
        for _ in range(times):
            call()
        end = self.mark()
        self.synchronize()
        return self.between(start, end) / times
