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
    repeats = dict.fromkeys(calls, 1)
    for name, call in calls.items() if not settings.dry else ():
        call()  # libraries load and choose their kernels
        repeats[name] = max(1, math.ceil(SHORTEST / max(timer.seconds(call), 1e-7)))
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names, begin = list(calls), time.perf_counter()
    for number in range(settings.sizes.rounds):
        turn = number % max(1, len(names))
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
def precision(dtype: str, benchmark: bool = False) -> Iterator[torch.dtype]:
    """Set TF32 as ``dtype`` says, for matrix products and convolutions; yield torch's type.

    ``benchmark``: let cuDNN measure which of its algorithms is fastest. The flags are torch's older ones, which all
    versions have and torch.compile reads; the newer ones (torch 2.9) must not be set beside them.
    """
    backends = torch.backends
    before = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark
    backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = dtype == "tf32"
    backends.cudnn.benchmark = benchmark
    try:
        yield DTYPES[dtype]
    finally:
        backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark = before


TOLERANCE = {"fp32": 1e-4, "tf32": 4e-3, "fp16": 4e-3, "bf16": 2e-2}
"""Largest error of an output or gradient: the norm of its difference from float64's over the norm of that.

In low precision it is 5 (bf16) or 8 roundoffs (2**-8 and 2**-11): some ten results in a row are rounded (projections,
norms, softmax, lambdas, outputs, and back), and single roundings err independently. On a CPU the largest is 7e-3 (bf16)
and 3e-3 (fp16). In float32 it is far above rounding, for algorithms such as Winograd's, but below the error of
TF32, so that TF32 where float32 was asked for is found.
"""

LARGEST = 10
"""How many times that tolerance a single element may err, relative to its own size and the root mean square of all: a
wrong tile or border of a map hardly changes a norm."""


def relative_error(found: torch.Tensor, exact: torch.Tensor) -> float:
    """Return the error; NaN for values that are not finite."""
    if not bool(found.isfinite().all()):
        return math.nan
    return float((found.double() - exact).norm() / exact.norm().clamp_min(1e-300))


def largest_error(found: torch.Tensor, exact: torch.Tensor) -> float:
    """Return the largest error of an element, relative to its size plus the root mean square of all; or NaN."""
    if not bool(found.isfinite().all()):
        return math.nan
    scale = exact.abs() + exact.square().mean().sqrt().clamp_min(1e-300)
    return float(((found.double() - exact).abs() / scale).max())
