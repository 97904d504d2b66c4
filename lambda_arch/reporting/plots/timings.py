"""Plots of measurements: latency over batch size, or by network."""

from collections.abc import Iterable

from lambda_arch.comparing.speeds import TableTimings
from lambda_arch.reporting.plots.plot import SYMBOLS, AnyPlot, Bars, Plot, Series
from lambda_arch.reporting.timings import significant
from lambda_arch.timing.measuring import Timing

MEDIANS = "Medians of all samples."
NOTE = "Medians of all samples; bars: the interquartile range."


def table_plot(found: TableTimings) -> AnyPlot:
    """Return the latencies of a published table's networks."""
    return timings_plot([timing for _, timing in found.rows])


def timings_plot(timings: Iterable[Timing]) -> AnyPlot:
    """Return latencies over batch size, one line per network and setup; bars if there is one batch size."""
    measured = [timing.measurement for timing in timings if timing.measurement.summary]
    groups: dict[str, list[tuple[int, float, float, float, str]]] = {}
    for m in measured:
        summary = m.summary
        assert summary is not None
        settings = m.setup.columns
        how = ", ".join(
            f"{value}" for name, value in settings.items() if name in ("device", "dtype", "mode", "evaluation")
        )
        low, median, high = (1e3 * each for each in (summary.q1, summary.median, summary.q3))
        groups.setdefault(f"{m.architecture} ({how})", []).append(
            (m.setup.batch_size, median, low, high, m.architecture)
        )
    devices = dict.fromkeys(str(m.machine.get("device_name", "")) for m in measured)
    title = f"Latency on {', '.join(devices) or 'no device'}"
    names = list(groups)
    if names and len({name.rpartition(" (")[2] for name in names}) == 1:  # the same setup everywhere
        groups = {name.rpartition(" (")[0]: found for name, found in groups.items()}
        title += f": {names[0].rpartition(' (')[2].removesuffix(')')}"
    if len({batch for found in groups.values() for batch, *_ in found}) < 2:
        medians = tuple(found[-1][1] for found in groups.values())
        return Bars(title, (MEDIANS,), "ms", tuple(groups), (("median", medians),))
    series = []
    for i, (name, unsorted) in enumerate(groups.items()):
        found = sorted({each[0]: each for each in unsorted}.values())
        texts = (
            f"{name}\nbatch {batch}: {significant(ms)} ms ({significant(low)} to {significant(high)})"
            for batch, ms, low, high, _ in found
        )
        series.append(
            Series(
                name,
                SYMBOLS[i % len(SYMBOLS)],
                tuple((float(batch), ms) for batch, ms, *_ in found),
                tuple(each[-1] for each in found),
                tuple(texts),
                line=True,
                intervals=tuple((low, high) for _, _, low, high, _ in found),
            )
        )
    return Plot(title, (NOTE,), ("batch size", "latency (ms per batch)"), 0, 1, tuple(series))
