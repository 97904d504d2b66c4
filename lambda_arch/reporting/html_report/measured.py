"""What was measured and trained: latencies, rooflines and energy of every device in the store; training runs."""

from lambda_arch.reporting import report_of
from lambda_arch.reporting.html_report.section import Section, drawn, missing, tables
from lambda_arch.reporting.plots import plot_of
from lambda_arch.reporting.plots.rooflines import roofs_plot
from lambda_arch.reporting.plots.timings import timings_plot
from lambda_arch.reporting.timings import timings_report
from lambda_arch.store import Store
from lambda_arch.store.peaks import read_peaks
from lambda_arch.timing.measuring import Timing
from lambda_arch.training import find_runs


def latencies(timings: list[Timing]) -> Section:
    """Return the latencies on every device: a plot and a table per dtype and mode, with energy where it is known."""
    measured = [timing for timing in timings if timing.measurement.summary]
    if not measured:
        body = missing("Nothing was measured:", "lambda-arch time lambda_resnet50 resnet50 --baseline resnet50")
        return Section("latency", "Latency", body)
    by_device: dict[tuple[str, str, str], list[Timing]] = {}
    for timing in measured:
        m = timing.measurement
        by_device.setdefault((m.fingerprint, m.setup.dtype, m.setup.mode), []).append(timing)
    groups = (drawn(timings_plot(group)) + tables(timings_report(group)) for group in by_device.values())
    return Section("latency", "Latency", "\n".join(groups))


def rooflines(store: Store) -> Section:
    """Return the roofs of every device in the store, from its measured peak rates."""
    roofs: dict[tuple[str, int], dict[str, float]] = {}
    for (fingerprint, dtype, threads), rate in read_peaks(store).items():
        roofs.setdefault((fingerprint, threads), {})[dtype] = rate
    named = {_device(store, *key): rates for key, rates in roofs.items() if "copy" in rates}
    if not named:
        body = missing("No peak rates were measured:", "lambda-arch devices")
    else:
        body = drawn(roofs_plot(named)) + missing("Stages of a network below the roof:", "lambda-arch time --roofline")
    return Section("roofline", "Rooflines", body)


def _device(store: Store, fingerprint: str, threads: int) -> str:
    from lambda_arch.store.machines import read_machine

    name = read_machine(store, fingerprint).get("device_name") or fingerprint
    return f"{name}, {threads} threads" if threads else str(name)


def training_runs(store: Store) -> Section:
    """Return the runs of the store, with their curves."""
    runs = find_runs(store)
    if not len(runs):
        command = "lambda-arch train lambda_resnet26:m=7,classes=10@32 --data digits --recipe digits"
        return Section("runs", "Training runs", missing("Nothing was trained:", command))
    return Section("runs", "Training runs", drawn(plot_of(runs)) + tables(report_of(runs)))
