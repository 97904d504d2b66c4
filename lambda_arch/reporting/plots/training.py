"""Plots of training runs."""

from lambda_arch.reporting.plots.plot import SYMBOLS, Plot, Series
from lambda_arch.training.runs import Runs


def curves(runs: Runs) -> Plot:
    """Return the plot of validation accuracies by epoch."""
    series = tuple(
        Series(
            f"{run.architecture}, seed {run.seed}",
            SYMBOLS[i % len(SYMBOLS)],
            tuple((float(epoch.epoch), epoch.top1) for epoch in run.epochs),
            tuple(run.architecture for _ in run.epochs),
            tuple(f"{run.architecture}\nepoch {e.epoch}: top-1 {e.top1:.2f} %, loss {e.loss:.3f}" for e in run.epochs),
            line=True,
        )
        for i, run in enumerate(runs)
        if run.epochs
    )
    return Plot("Validation accuracy while training", (), ("epoch", "top-1 (%)"), 0, 1, series)
