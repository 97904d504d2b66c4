"""Step 7: the largest batch, peak memory beside our own counts, and joules an image."""

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.gpu.item import Item, Row, SkippedError
from benchmarks.gpu.settings import Settings, Sizes

SECONDS = 60.0
ENERGY_SECONDS = 3.0  # the GPU updates its counter some ten times a second
LEAST = 2  # images, because batch norms need two values
FRACTION = 16  # a largest batch is exact to one part in so many


def items(sizes: Sizes) -> list[Item]:
    """Return memory at inference and in training, energy, and the largest batches, for ours and the plain network."""
    found = []
    for network in (sizes.network, sizes.plain):
        for mode in ("inference", "train"):
            found.append(Item(7, f"memory {network} {mode}", "memory", SECONDS, partial(peak, network, mode)))
    for network in (sizes.network, sizes.plain):
        found.append(Item(7, f"energy {network}", "energy", SECONDS, partial(energy, network)))
    for network in (sizes.network, sizes.plain):
        for mode in ("inference", "train"):
            run = partial(largest, network, mode)
            found.append(Item(7, f"largest batch {network} {mode}", "largest_batch", 1.5 * SECONDS, run))
    return found


def _setup(settings: Settings, mode: str, batch: int) -> Any:
    from lambda_arch.store.setup import Setup

    return Setup(settings.device, batch_size=batch, dtype=settings.sizes.dtypes[0], mode=mode, evaluation="auto")  # type: ignore[arg-type]


def _workload(network: str, mode: str, batch: int, settings: Settings) -> Any:
    from lambda_arch.arch import parse
    from lambda_arch.timing.worker.workload import Workload

    return Workload(parse(network), _setup(settings, mode, batch))


def peak(network: str, mode: str, settings: Settings) -> list[Row]:
    """Compare the allocator's peak in float32, canonical, with our counts of activations."""
    import torch

    from lambda_arch.arch import parse
    from lambda_arch.costs import saved_bytes
    from lambda_arch.costs.peak import peak_memory
    from lambda_arch.nn import build
    from lambda_arch.store.setup import Setup
    from lambda_arch.timing.worker.memory import PeakMemory
    from lambda_arch.timing.worker.workload import Workload

    batch = settings.sizes.table_batch
    architecture = parse(network)
    size = architecture.image_size
    if mode == "train":
        count = saved_bytes(build(network, device="meta").train(), torch.empty(batch, 3, size, size, device="meta"))
    else:
        count = peak_memory(architecture, batch)
    meter = PeakMemory(settings.device)
    workload = Workload(architecture, Setup(settings.device, batch_size=batch, mode=mode))  # type: ignore[arg-type]
    base = torch.cuda.memory_allocated() if settings.device != "cpu" else meter.bytes()
    for _ in range(3):
        workload.step()
    found = meter.bytes() - base
    what = "saved for the backward pass" if mode == "train" else "activations at the peak"
    return [{"architecture": network, "mode": mode, "batch": batch, "dtype": "fp32", "peak_bytes": found,
             "counted_bytes": count, "counted": what, "ratio": round(found / count, 4)}]  # fmt: skip


def energy(network: str, settings: Settings) -> list[Row]:
    """Return joules an image at inference, by the GPU's energy counter."""
    import time

    from lambda_arch.timing.worker.conditions import NvidiaGpu

    if settings.device == "cpu":
        raise SkippedError("a CPU has no such counter")
    workload = _workload(network, "inference", settings.sizes.batches[0], settings)
    from lambda_arch.timing.worker.timer import Timer

    timer, gpu = Timer(settings.device), NvidiaGpu(settings.device)
    if gpu.joules() is None:
        raise SkippedError("no energy counter: nvidia-ml-py not installed, or the device does not report it")
    workload.step()
    timer.synchronize()
    before, start, steps = gpu.joules(), time.perf_counter(), 0
    while time.perf_counter() - start < ENERGY_SECONDS:
        for _ in range(10):
            workload.step()
        timer.synchronize()
        steps += 10
    joules = (gpu.joules() or 0.0) - (before or 0.0)
    seconds, batch = time.perf_counter() - start, settings.sizes.batches[0]
    return [{"architecture": network, "batch": batch, "dtype": settings.sizes.dtypes[0], "steps": steps,
             "joules_per_image": joules / (steps * batch), "watts": joules / seconds}]  # fmt: skip


def largest(network: str, mode: str, settings: Settings) -> list[Row]:
    """Return the largest batch that fits into memory: doubled until it does not, then bisected."""

    def fits(batch: int) -> bool:
        return _fits(network, mode, batch, settings)

    found = bisected(fits, settings.sizes.largest)
    row: Row = {"architecture": network, "mode": mode, "dtype": settings.sizes.dtypes[0], "largest_batch": found}
    return [row]


def bisected(fits: Callable[[int], bool], most: int) -> int:
    """Return the largest batch from LEAST to ``most`` for which ``fits``, to one part in FRACTION; 0 if none does."""
    good, bad, size = 0, most + 1, LEAST
    while good < most and bad - good > max(1, good // FRACTION):
        if fits(size):
            good = size
        else:
            bad = size
            if not good:
                break
        size = min(2 * good, most) if bad > most else (good + bad) // 2
    return good


def _fits(network: str, mode: str, batch: int, settings: Settings) -> bool:
    import gc

    import torch

    try:
        workload = _workload(network, mode, batch, settings)
        for _ in range(2):
            workload.step()
        if settings.device != "cpu":
            torch.cuda.synchronize()
    except torch.OutOfMemoryError:
        return False
    finally:
        workload = None
        gc.collect()
        if settings.device != "cpu":
            torch.cuda.empty_cache()
    return True
