"""Step 6: calibrate blocks, then predict random networks and measure them."""

from functools import partial

from benchmarks.gpu.item import Item, Row
from benchmarks.gpu.settings import Settings, Sizes

AT_ONCE = 8  # networks that are measured together


def items(sizes: Sizes) -> list[Item]:
    """Return the calibration, and the first group of predictions."""
    return [Item(6, "calibration", "calibration", 40, 120, calibrated), *_predictions(sizes)[:1]]


def further(sizes: Sizes) -> list[Item]:
    """Return the other groups of predictions."""
    return _predictions(sizes)[1:]


def _predictions(sizes: Sizes) -> list[Item]:
    found = []
    for start in range(0, sizes.predicted, AT_ONCE):
        key = f"prediction {start + 1} to {min(start + AT_ONCE, sizes.predicted)}"
        found.append(Item(6, key, "predictions", 25, 90, partial(predicted, start)))
    return found


def _setup(settings: Settings) -> dict[str, object]:
    sizes = settings.sizes
    return {
        "device": settings.device,
        "batch_size": sizes.batches[0],
        "dtype": "fp32" if settings.dry else sizes.dtypes[0],
        "cast": "cast",
        "evaluation": "auto",
        "seconds": sizes.seconds,
    }


def calibrated(settings: Settings) -> list[Row]:
    """Measure every block that the networks may have."""
    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.own_process import in_own_process
    from lambda_arch.timing import calibrate

    sizes = settings.sizes
    with in_own_process():
        found = calibrate(sizes.network, choices=sizes.choices, store=Folder(settings.out).store, **_setup(settings))  # type: ignore[arg-type]
    by_key = found.latencies.by_key
    if found.failures:
        raise RuntimeError("; ".join(found.failures))
    return [
        {"part": label, "median_ms": by_key[key].median * 1e3, "q1_ms": by_key[key].q1 * 1e3,
         "q3_ms": by_key[key].q3 * 1e3, "samples": by_key[key].samples}
        for key, label in found.parts.items() if key in by_key
    ]  # fmt: skip


def predicted(start: int, settings: Settings) -> list[Row]:
    """Predict some of the random networks, measure them, and compare."""
    from benchmarks.gpu.folder import Folder
    from benchmarks.gpu.own_process import in_own_process
    from lambda_arch import parse
    from lambda_arch.timing import predict
    from lambda_arch.timing.block_choices import block_choices, random_networks

    sizes = settings.sizes
    base = parse(sizes.network)
    drawn = list(random_networks(base, block_choices(base, sizes.choices), sizes.predicted, seed=0))
    chosen = drawn[start : start + AT_ONCE]
    with in_own_process():
        found = predict(chosen, measure=True, store=Folder(settings.out).store, **_setup(settings))  # type: ignore[arg-type]
    rows = []
    for each in found.predictions:
        summary = each.measurement and each.measurement.summary
        row: Row = {"architecture": str(each.architecture), "predicted_ms": each.seconds * 1e3}
        if summary:
            row |= {"median_ms": summary.median * 1e3, "q1_ms": summary.q1 * 1e3, "q3_ms": summary.q3 * 1e3}
            row["error"] = each.error
        rows.append(row)
    return rows
