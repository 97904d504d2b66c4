"""Memory of the process and of its device: the peak, and a limit. Imports torch."""

import sys
from pathlib import Path

import psutil
import torch


class PeakMemory:
    """Peak memory: of torch's allocator on CUDA, of its driver on MPS, of the process's resident set on a CPU."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def bytes(self) -> int:
        """Return the most bytes so far."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        if self.device.type == "mps":
            return int(torch.mps.driver_allocated_memory())
        return peak_resident()


def peak_resident() -> int:
    """Return the most bytes that this process has had in memory."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):  # getrusage would tell the parent's peak where that was larger
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def limit_memory(memory: int) -> None:
    """Let this process run out of memory by itself, before the system ends it or another: on Linux only.

    ``memory``: bytes that it may take from now on, 0 for what is free.
    """
    if sys.platform != "linux":
        return
    import resource

    limit = (memory or psutil.virtual_memory().available) + psutil.Process().memory_info().rss
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
