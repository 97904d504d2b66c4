"""Step 2: ceilings. Copies, matrix products and position lambdas, by dtype, kept in the store."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes


def items(sizes: Sizes) -> list[Item]:
    """Return what is quick, and the fused kernel in the first dtype."""
    return [Item(2, "ceilings", "ceilings", 18, 60, partial(ceilings, ())), *_fused(sizes.dtypes[:1])]


def further(sizes: Sizes) -> list[Item]:
    """Return the fused kernel in the other dtypes; to compile and tune it takes longer than all else."""
    return _fused(sizes.dtypes[1:])


def _fused(dtypes: tuple[str, ...]) -> list[Item]:
    return [Item(2, f"ceilings fused {dtype}", "ceilings", 15, 75, partial(ceilings, (f"fused_{dtype}",)), ("triton",))
            for dtype in dtypes]  # fmt: skip


def ceilings(kinds: tuple[str, ...], settings: Settings) -> Iterator[Row]:
    """Measure the rates of ``kinds``, of all that are quick if there are none, and keep each at once."""
    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.machine import describe
    from lambda_arch.nn.evaluation import ceilings as measured
    from lambda_arch.store.connection import Store
    from lambda_arch.store.peaks import keep_peaks
    from lambda_arch.store.setup import default_threads
    from lambda_arch.timing.protocol.messages import Peak

    if settings.dry:
        where = settings.device.partition(":")[0]
        measured.SIDES[where], measured.COPIES[where] = (64,), (1 << 20,)
        measured.LAMBDAS = replace(measured.LAMBDAS, b=2, height=4, width=4, v=2, scope=(3, 3))
    seconds = min(0.5, settings.sizes.seconds)
    threads, fingerprint = default_threads(), describe(settings)["fingerprint"]
    for kind in kinds or measured.QUICK_KINDS:
        for rate in measured.measure_rates(settings.device, seconds, [kind]):
            peak = asdict(Peak(*rate))
            with Store(Folder(settings.out).store) as store:
                keep_peaks(store, fingerprint, threads, [peak])
            yield {**peak, "unit": "bytes/s" if kind == measured.COPY else "FLOP/s"}
