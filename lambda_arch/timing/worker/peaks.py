"""The peak rates of a device: of a matrix product in each dtype, and of a copy. Imports torch."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch

from lambda_arch.timing.protocol.messages import Peak
from lambda_arch.timing.worker.timer import Timer
from lambda_arch.timing.worker.workload import DTYPES

SIDES = {"cpu": (256, 512, 1024, 2048), "mps": (1024, 2048, 4096), "cuda": (2048, 4096, 8192)}
"""Sides of the square matrices to multiply, by kind of device."""

COPIES = {"cpu": (1 << 26, 1 << 28), "mps": (1 << 28,), "cuda": (1 << 28, 1 << 30)}
"""Bytes to copy, by kind of device."""

COPY = "copy"
LONGEST_PRODUCT = 1.0  # seconds; slower dtypes are not tried on larger matrices


def measure_peaks(device: str, threads: int, seconds: float) -> Iterator[Peak]:
    """Yield the peak rate of every dtype that ``device`` supports, and of a copy.

    A peak is the best of all sizes and repetitions; each size is repeated for ``seconds``.
    """
    torch.set_num_threads(threads)
    kind = device.partition(":")[0]
    for name, dtype in DTYPES.items():
        if name == "tf32" and kind != "cuda":
            continue
        torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
        try:
            rate, side = _product_rate(device, dtype, SIDES[kind], seconds)
        except RuntimeError:  # no such product on this device
            continue
        yield Peak(name, rate, f"{side}x{side} matrices")
    rate, size = max(_copy_rate(device, size, seconds) for size in COPIES[kind])
    yield Peak(COPY, rate, f"{size >> 20} MiB")


def _product_rate(device: str, dtype: torch.dtype, sides: Sequence[int], seconds: float) -> tuple[float, int]:
    found: list[tuple[float, int]] = []
    for side in sides:
        flops = 2 * side**3
        if found and flops / found[-1][0] > LONGEST_PRODUCT:
            break
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        out = torch.empty(side, side, device=device, dtype=dtype)
        found.append((flops / _best(device, partial(torch.mm, a, b, out=out), seconds), side))
    return max(found)


def _copy_rate(device: str, size: int, seconds: float) -> tuple[float, int]:
    source = torch.ones(size // torch.float32.itemsize, device=device)
    target = torch.empty_like(source)
    return 2 * size / _best(device, lambda: target.copy_(source), seconds), size


def _best(device: str, call: Callable[[], object], seconds: float) -> float:
    timer = Timer(device)
    timer.seconds(call)
    best, start = float("inf"), time.perf_counter()
    while best == float("inf") or time.perf_counter() - start < seconds:
        best = min(best, timer.seconds(call))
    return best
