"""Interleaved rounds of several calls, and their rows: medians, quartiles, ratios. Imports torch."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median

import torch

from benchmarks.gpu.item import Row
from benchmarks.gpu.settings import Settings
from lambda_arch.nn.evaluation.ceilings import DTYPES
from lambda_arch.store.statistics import summarize
from lambda_arch.timing.worker.timer import Timer

SHORTEST = 2e-3  # seconds of a sample; shorter calls are repeated within it
FEWEST = 3  # rounds, even where time is up

Call = Callable[[], object]


def interleaved(calls: Mapping[str, Call], settings: Settings, seconds: float) -> dict[str, list[float]]:
    """Return seconds of every call, once a round in a rotating order; fewer rounds than wanted after ``seconds``."""
    timer = Timer(settings.device)
    once = {}
    for name, call in calls.items():
        call()  # libraries load and choose their kernels
        once[name] = timer.seconds(call)
    repeats = {name: max(1, math.ceil(SHORTEST / max(each, 1e-7))) for name, each in once.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names, begin = list(calls), time.perf_counter()
    for number in range(settings.sizes.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            samples[name].append(timer.seconds(calls[name], repeats[name]))
        if number + 1 >= FEWEST and time.perf_counter() - begin > seconds:
            break
    return samples


def summary_columns(samples: list[float]) -> Row:
    """Return the columns that every measured row has."""
    found = summarize(samples)
    return {
        "rounds": found.samples,
        "median_ms": round(found.median * 1e3, 5),
        "q1_ms": round(found.q1 * 1e3, 5),
        "q3_ms": round(found.q3 * 1e3, 5),
    }


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median over rounds of our time over theirs."""
    return round(median(a / b for a, b in zip(ours, theirs, strict=True)), 4)


@contextmanager
def precision(dtype: str) -> Iterator[torch.dtype]:
    """Set TF32 as ``dtype`` says, for matrix products and convolutions; yield torch's type."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = dtype == "tf32"
    try:
        yield DTYPES[dtype]
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


TOLERANCE = {"fp32": 1e-4, "tf32": 4e-3, "fp16": 4e-3, "bf16": 4e-2}
"""Largest error of an output or gradient: the norm of its difference from float64's over the norm of that."""


def relative_error(found: torch.Tensor, exact: torch.Tensor) -> float:
    """Return the error; NaN for values that are not finite."""
    if not bool(found.isfinite().all()):
        return math.nan
    return float((found.double() - exact).norm() / exact.norm().clamp_min(1e-300))
