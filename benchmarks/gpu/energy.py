"""Joules that a GPU uses: its own counter, or power as nvidia-smi reads it. Imports torch."""

import subprocess
import threading
import time
from collections.abc import Callable
from statistics import fmean

from benchmarks.gpu.machine import ask_nvidia_smi
from lambda_arch.timing.worker.conditions import NvidiaGpu


def joules_of(run: Callable[[float], int], device: str, seconds: float) -> tuple[float, float, int, str] | None:
    """Return the joules and seconds of ``run``, what it returns, and by what was measured; None if nothing can.

    ``run`` is called with ``seconds`` to run for.
    """
    gpu = NvidiaGpu(device)
    before = gpu.joules()
    if before is not None:
        start = time.perf_counter()
        steps = run(seconds)
        return (gpu.joules() or before) - before, time.perf_counter() - start, steps, "the device's counter"
    try:
        with _Power() as power:
            start = time.perf_counter()
            steps = run(seconds)
            elapsed = time.perf_counter() - start
    except OSError:  # no nvidia-smi
        return None
    return (fmean(power.watts) * elapsed, elapsed, steps, "nvidia-smi's power") if power.watts else None


class _Power:
    """Reads the power of the first GPU in a thread, again and again."""

    def __init__(self) -> None:
        self.watts: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "_Power":
        subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False, timeout=20)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(25)

    def _read(self) -> None:
        while not self._over.is_set():
            text = ask_nvidia_smi("power.draw")
            try:
                self.watts.append(float(text))
            except ValueError:  # not supported
                return
            self._over.wait(0.1)
