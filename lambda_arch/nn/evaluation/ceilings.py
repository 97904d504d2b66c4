"""What a device does at most: bytes copied, and operations of matrix products and of several convolutions, per second.

The cost model of GPUs (:mod:`~lambda_arch.nn.evaluation.gpu_cost_model`) is made of these rates. A convolution with
fewer input channels than matrix units take runs on CUDA cores, many times slower than a product; folded and fused
position lambdas run on matrix units, but not as fast as a large product.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from lambda_arch.nn.evaluation import convolution, folded, fused
from lambda_arch.nn.evaluation.layer_shape import LayerShape
from lambda_arch.nn.evaluation.tf32 import set_tf32, tf32_kept

DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
COPY = "copy"
NARROW, FOLDED, FUSED = "narrow_", "folded_", "fused_"
"""Kinds of rates: the names of dtypes for products, COPY, and before a dtype NARROW for convolutions of one channel,
FOLDED for those of folded position lambdas, FUSED for the fused kernel."""

SIDES = {"cpu": (256, 512, 1024, 2048), "mps": (1024, 2048, 4096), "cuda": (2048, 4096, 8192)}
"""Sides of the square matrices to multiply, by kind of device."""
COPIES = {"cpu": (1 << 26, 1 << 28), "mps": (1 << 28,), "cuda": (1 << 28, 1 << 30)}
"""Bytes to copy, by kind of device."""
LAMBDAS = LayerShape(128, 56, 56, 4, 16, 1, 16, (23, 23))
"""The layer whose position lambdas are computed: in c2 of LambdaResNet-50."""
LONGEST_PRODUCT = 1.0  # seconds; slower dtypes are not tried on larger matrices
QUICK = 0.1  # seconds for each rate when they are measured for a choice


@dataclass(frozen=True)
class Ceilings:
    """The rates of a device: ``copy`` in bytes/s (read and written), others in FLOP/s by dtype.

    ``folded`` and ``fused`` may be missing; the cost model has estimates.
    """

    copy: float
    products: Mapping[str, float]
    narrow: Mapping[str, float]
    folded: Mapping[str, float] = field(default_factory=dict)
    fused: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, rates: Mapping[str, float]) -> "Ceilings | None":
        """Return the ceilings among ``rates`` by kind, as the store holds them; None without all of float32's."""
        if not {COPY, "fp32", f"{NARROW}fp32"} <= rates.keys():
            return None
        products = {kind: rate for kind, rate in rates.items() if kind in DTYPES}
        others = (
            {kind.removeprefix(prefix): rate for kind, rate in rates.items() if kind.startswith(prefix)}
            for prefix in (NARROW, FOLDED, FUSED)
        )
        return cls(rates[COPY], products, *others)


DATA_SHEET = Ceilings(
    4.8e12,
    {"fp32": 67e12, "tf32": 494e12, "bf16": 989e12, "fp16": 989e12},
    {"fp32": 67e12, "tf32": 67e12, "bf16": 67e12, "fp16": 67e12},
)
"""Those of an H200 by NVIDIA's data sheet (dense; one input channel: the CUDA cores), where no GPU can be measured."""

_known: dict[str, Ceilings] = {}


def remember(device_name: str, ceilings: Ceilings) -> None:
    """Use ``ceilings`` for GPUs of this name from now on in this process."""
    _known[device_name] = ceilings


def ceilings_here() -> Ceilings:
    """Return the ceilings of torch's current GPU, measured once in this process unless known; without one, DATA_SHEET.

    Measuring takes a few seconds, and a warning says so.
    """
    if not torch.cuda.is_available():
        return DATA_SHEET
    name = torch.cuda.get_device_name()
    if name not in _known:
        warnings.warn(f"{name}: measuring its rates once, for a few seconds, to choose evaluations", stacklevel=2)
        rates = {kind: rate for kind, rate, _ in measure_rates("cuda", QUICK, QUICK_KINDS)}
        remember(name, Ceilings.of(rates) or DATA_SHEET)
    return _known[name]


CONVOLUTIONS = tuple(f"{prefix}{name}" for prefix in (NARROW, FOLDED, FUSED) for name in DTYPES)
KINDS = (*DTYPES, *CONVOLUTIONS, COPY)
QUICK_KINDS = tuple(kind for kind in KINDS if not kind.startswith(FUSED))  # to tune the kernel takes half a minute


def measure_rates(device: str, seconds: float, kinds: Sequence[str] = QUICK_KINDS) -> list[tuple[str, float, str]]:
    """Return kind, rate and size of everything in ``kinds`` that ``device`` can do, each size tried for ``seconds``.

    A rate is the best of all sizes and repetitions. Settings for TF32 stay as they were.
    """
    kind_of_device = device.partition(":")[0]
    found = []
    with tf32_kept():
        for kind in kinds:
            prefix, _, name = kind.rpartition("_")
            if name == "tf32" and kind_of_device != "cuda":
                continue
            set_tf32(name == "tf32")
            try:
                if kind == COPY:
                    rate, size = max(copy_rate(device, size, seconds) for size in COPIES[kind_of_device])
                    found.append((kind, rate, f"{size >> 20} MiB"))
                elif prefix:
                    found.append((kind, lambdas_rate(device, f"{prefix}_", DTYPES[name], seconds), "23x23 at 56x56"))
                else:
                    rate, side = product_rate(device, DTYPES[name], SIDES[kind_of_device], seconds)
                    found.append((kind, rate, f"{side}x{side} matrices"))
            except RuntimeError:  # no such operation on this device
                continue
    return found


def product_rate(device: str, dtype: torch.dtype, sides: Sequence[int], seconds: float) -> tuple[float, int]:
    """Return the highest FLOP/s of products of square matrices, and their side."""
    found: list[tuple[float, int]] = []
    for side in sides:
        flops = 2 * side**3
        if found and flops / found[-1][0] > LONGEST_PRODUCT:
            break
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        out = torch.empty(side, side, device=device, dtype=dtype)
        found.append((flops / best_seconds(device, partial(torch.mm, a, b, out=out), seconds), side))
    return max(found)


def lambdas_rate(device: str, prefix: str, dtype: torch.dtype, seconds: float) -> float:
    """Return the FLOP/s of the position lambdas of LAMBDAS, those on padding counted.

    By a convolution of one channel (``prefix`` NARROW), a folded one, whose values are already shifted, or the fused
    kernel, which applies queries too. Raises RuntimeError where there is none.
    """
    at = LAMBDAS
    values = torch.randn(at.b, at.v, 1, at.height, at.width, device=device).to(dtype)
    kernel = torch.randn(at.k, 1, *at.reach, device=device).to(dtype)
    if prefix == FUSED:
        if not fused.available(values):
            raise RuntimeError("no fused kernel on this device")
        queries = torch.randn(at.b, at.h, at.k, at.n, device=device).to(dtype)
        shared = values.new_zeros(at.b, at.v, at.k)
        call = partial(fused.fused_outputs, queries, shared, values, kernel)
        return 2 * fused.macs(at) / best_seconds(device, call, seconds)
    if prefix == FOLDED:
        maps = folded.maps(kernel, at.height, at.width)
        shifted = folded.channels(values, kernel, maps)
        call = partial(folded.convolved, shifted, kernel, maps, (at.height, at.width))
        return 2 * folded.macs(at) / best_seconds(device, call, seconds)
    return 2 * convolution.macs(at) / best_seconds(device, partial(convolution.lambdas, values, kernel), seconds)


def copy_rate(device: str, size: int, seconds: float) -> tuple[float, int]:
    """Return the bytes/s, read and written, of a copy of ``size`` bytes, and the size."""
    source = torch.ones(size // torch.float32.itemsize, device=device)
    target = torch.empty_like(source)
    return 2 * size / best_seconds(device, lambda: target.copy_(source), seconds), size


def best_seconds(device: str, call: Callable[[], object], seconds: float) -> float:
    """Return the seconds of the fastest of the calls that fit into ``seconds``, at least one, after one to warm up."""
    once = _event_seconds if device.startswith("cuda") else partial(_clock_seconds, device)
    once(call)
    best, start = float("inf"), time.perf_counter()
    while best == float("inf") or time.perf_counter() - start < seconds:
        best = min(best, once(call))
    return best


def _event_seconds(call: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    call()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def _clock_seconds(device: str, call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    if device == "mps":
        torch.mps.synchronize()
    return time.perf_counter() - start
