"""The plot of each kind of result; a new kind adds its line."""

from importlib import import_module

from lambda_arch.errors import LambdaArchError
from lambda_arch.reporting.plots.plot import AnyPlot
from lambda_arch.results import Result

PLOTS = {
    "Comparison": "published.comparison_plot",
    "Comparisons": "published.comparison_plot",
    "Devices": "rooflines.devices_plot",
    "Front": "fronts.result_plot",
    "Ledger": "ledgers.ledger_plot",
    "Measurements": "timings.timings_plot",
    "Predictions": "predictions.prediction_plot",
    "Rooflines": "rooflines.roofline_plot",
    "Runs": "training.curves",
    "TableFront": "fronts.table_plot",
    "TableTimings": "timings.table_plot",
}
"""The module and function of the plot, by the result's class; imported when a result is drawn."""


def plot_of(result: Result) -> AnyPlot:
    """Return the plot of ``result``. Raises :class:`LambdaArchError` if it has none."""
    if type(result).__name__ not in PLOTS:
        raise LambdaArchError(f"plot: a {type(result).__name__} has no plot; expected {', '.join(PLOTS)}")
    module, _, function = PLOTS[type(result).__name__].partition(".")
    found: AnyPlot = getattr(import_module(f"lambda_arch.reporting.plots.{module}"), function)(result)
    return found
