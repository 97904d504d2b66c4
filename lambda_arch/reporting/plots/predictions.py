"""Plots of predicted latencies."""

from lambda_arch.reporting.calibrations import error_line
from lambda_arch.reporting.plots.plot import AnyPlot, Bars, Plot, Series
from lambda_arch.reporting.timings import significant
from lambda_arch.timing.prediction import Predictions


def prediction_plot(found: Predictions) -> AnyPlot:
    """Return predicted over measured latencies, with the predictions' intervals; bars if nothing was measured."""
    title = f"Predicted latency: {found.setup}"
    both = [(p, p.measurement.summary) for p in found.predictions if p.measurement and p.measurement.summary]
    if not both:
        names = tuple(str(each.architecture) for each in found.predictions)
        return Bars(title, (), "ms", names, (("predicted", tuple(1e3 * each.seconds for each in found.predictions)),))
    errors = error_line([p.error for p, _ in both if p.error is not None])
    series = Series(
        "networks",
        "circle",
        tuple((summary.median * 1e3, p.seconds * 1e3) for p, summary in both),
        tuple(str(p.architecture) for p, _ in both),
        tuple(
            f"{p.architecture}\npredicted {significant(p.seconds * 1e3)} ms, measured {significant(s.median * 1e3)} ms"
            for p, s in both
        ),
        intervals=tuple(p.interval and (p.interval[0] * 1e3, p.interval[1] * 1e3) for p, _ in both),
    )
    return Plot(title, (errors,), ("measured (ms)", "predicted (ms)"), 0, 1, (series,), diagonal=True)
