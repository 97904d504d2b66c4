"""Plots of rooflines: what a device can do at each arithmetic intensity, and what stages of networks do."""

from collections.abc import Mapping

from lambda_arch.reporting.plots.plot import SYMBOLS, Plot, Series
from lambda_arch.reporting.timings import significant
from lambda_arch.timing.machines import Devices
from lambda_arch.timing.rooflines import Rooflines

HEADINGS = ("arithmetic intensity (FLOP/byte)", "GFLOP/s")
INTENSITIES = (0.1, 1000.0)
"""The range of the roofs of a device, in FLOP/byte."""


def roofline_plot(found: Rooflines) -> Plot:
    """Return the stages of networks below the roof of their device (Williams et al. 2009)."""
    series = []
    for number, network in enumerate(found.networks):
        stages = [(stage.flops / stage.bytes, stage.flops / stage.seconds / 1e9, stage) for stage in network.stages]
        if not stages:
            continue
        first = network.stages[0]
        peak, bandwidth = first.flops / first.compute, first.bytes / first.memory
        intensities = [each[0] for each in stages]
        if number == 0 or network.setup != found.networks[number - 1].setup:
            series.append(_roof(network.setup.dtype, peak, bandwidth, min(intensities) / 2, max(intensities) * 2, 6))
        series.append(
            Series(
                str(network.architecture),
                SYMBOLS[number % len(SYMBOLS)],
                tuple((intensity, rate) for intensity, rate, _ in stages),
                tuple(str(network.architecture) for _ in stages),
                tuple(
                    f"{network.architecture}\n{stage.stage}: {significant(stage.seconds * 1e3)} ms, {stage.bound}, "
                    f"{stage.share:.0%} of the roofline"
                    for *_, stage in stages
                ),
                colour=number,
            )
        )
    return Plot("Roofline by stage", (), HEADINGS, 0, 1, tuple(series))


def devices_plot(found: Devices) -> Plot:
    """Return the roof of every device and dtype, from its measured peak rates."""
    return roofs_plot({device.name: device.peaks for device in found.devices if device.peaks.get("copy")})


def roofs_plot(rates: Mapping[str, Mapping[str, float]]) -> Plot:
    """Return the roofs of devices from their rates, by dtype in FLOP/s and ``copy`` in bytes/s."""
    kinds = [(name, kind) for name, peaks in rates.items() for kind in peaks if kind != "copy"]
    series = [
        _roof(f"{name} {kind}", rates[name][kind], rates[name]["copy"], *INTENSITIES, number)
        for number, (name, kind) in enumerate(kinds)
    ]
    return Plot("Peak rates", (), HEADINGS, 0, 1, tuple(series))


def _roof(name: str, peak: float, bandwidth: float, low: float, high: float, colour: int) -> Series:
    ridge = peak / bandwidth
    intensities = sorted({low, ridge, max(high, 2 * ridge)})
    return Series(
        f"{name} roof",
        "circle-open",
        tuple((each, min(peak, each * bandwidth) / 1e9) for each in intensities),
        tuple(name for _ in intensities),
        tuple(
            f"{name}\npeak {significant(peak / 1e9)} GFLOP/s, {significant(bandwidth / 1e9)} GB/s" for _ in intensities
        ),
        line=True,
        colour=colour,
    )
