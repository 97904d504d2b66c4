"""What a device can do at most: the largest rate of a matrix product in each dtype, and of a copy. Imports torch."""

import time
from collections.abc import Sequence
from typing import Any

import torch

from lambda_arch.timing.workload import DTYPES, Timer

SIDES = {"cpu": (256, 512, 1024, 2048), "mps": (1024, 2048, 4096), "cuda": (2048, 4096, 8192)}
COPIES = {"cpu": (1 << 26, 1 << 28), "mps": (1 << 28,), "cuda": (1 << 28, 1 << 30)}
COPY = "copy"
SLOW = 1.0  # seconds for one product


def measure_ceilings(device: str, threads: int, seconds: float) -> list[dict[str, Any]]:
    """Return the ceilings of ``device``: for each dtype (``fp32``, ...) FLOP/s, for ``copy`` bytes/s, read and written.

    The best of all sizes and repetitions, for it is a ceiling; each size is given ``seconds``. What the device cannot
    do is left out.
    """
    torch.set_num_threads(threads)
    kind = device.partition(":")[0]
    found = []
    for name, dtype in DTYPES.items():
        if name == "tf32" and kind != "cuda":
            continue
        torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
        try:
            rate, side = _largest_matmul_rate(device, dtype, SIDES[kind], seconds)
        except RuntimeError:  # no such product on this device
            continue
        found.append({"kind": name, "rate": rate, "detail": f"{side}x{side} matrices"})
    rate, size = max(_copy_rate(device, size, seconds) for size in COPIES[kind])
    found.append({"kind": COPY, "rate": rate, "detail": f"{size >> 20} MiB"})
    return found


def _largest_matmul_rate(device: str, dtype: torch.dtype, sides: Sequence[int], seconds: float) -> tuple[float, int]:
    found: list[tuple[float, int]] = []
    for side in sides:
        if found and 2 * side**3 / found[-1][0] > SLOW:  # products without fast code for this dtype: no use in larger
            break
        found.append(_matmul_rate(device, dtype, side, seconds))
    return max(found)


def _matmul_rate(device: str, dtype: torch.dtype, side: int, seconds: float) -> tuple[float, int]:
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty(side, side, device=device, dtype=dtype)
    return 2 * side**3 / _best(device, lambda: torch.mm(a, b, out=out), seconds), side


def _copy_rate(device: str, size: int, seconds: float) -> tuple[float, int]:
    source = torch.ones(size // 4, device=device)
    target = torch.empty_like(source)
    return 2 * size / _best(device, lambda: target.copy_(source), seconds), size


def _best(device: str, call: Any, seconds: float) -> float:
    timer = Timer(device)
    timer.seconds(call)
    best, start = float("inf"), time.perf_counter()
    while best == float("inf") or time.perf_counter() - start < seconds:
        best = min(best, timer.seconds(call))
    return best
