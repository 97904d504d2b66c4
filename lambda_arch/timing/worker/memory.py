"""Peak memory of the process and its device, and a limit. Imports torch."""

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
        """Return the peak so far, in bytes."""
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        if self.device.type == "mps":
            return int(torch.mps.driver_allocated_memory())
        return peak_resident()


def peak_resident() -> int:
    """Return the peak resident memory of this process, in bytes."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):  # getrusage would return the parent's peak if that was larger
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def limit_memory(memory: int) -> None:
    """Limit the memory of this process, so that it runs out before the system kills it or another; on Linux only.

    ``memory``: bytes that it may use from now on, 0 for what is free.
    """
    if sys.platform != "linux":
        return
    import resource

    limit = (memory or psutil.virtual_memory().available) + psutil.Process().memory_info().rss
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
