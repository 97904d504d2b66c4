"""Step 2: ceilings. Copies, matrix products and position lambdas, by dtype, kept in the store."""

from dataclasses import asdict

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes


def items(sizes: Sizes) -> list[Item]:
    """Return the only item."""
    del sizes
    return [Item(2, "ceilings", "ceilings", 60.0, ceilings)]


def ceilings(settings: Settings) -> list[Row]:
    """Measure every rate, and keep them."""
    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.machine import describe
    from lambda_arch.nn.evaluation import ceilings as measured
    from lambda_arch.store.connection import Store
    from lambda_arch.store.peaks import keep_peaks
    from lambda_arch.store.setup import default_threads, device_name
    from lambda_arch.timing.protocol.messages import Peak

    kinds = measured.KINDS if not settings.dry else ("fp32", "bf16", measured.COPY)
    if settings.dry:
        measured.SIDES["cpu"], measured.COPIES["cpu"] = (64,), (1 << 20,)
    seconds = min(0.5, settings.sizes.seconds)
    found = [Peak(*rate) for rate in measured.measure_rates(device_name(settings.device), seconds, kinds)]
    threads, fingerprint = default_threads(), describe(settings)["fingerprint"]
    with Store(Folder(settings.out).store) as store:
        keep_peaks(store, fingerprint, threads, [asdict(peak) for peak in found])
    return [{**asdict(peak), "unit": "bytes/s" if peak.kind == measured.COPY else "FLOP/s"} for peak in found]
