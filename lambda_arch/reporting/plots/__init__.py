"""Plots: values that say what is shown, drawn as HTML pages, images for papers, or characters on a terminal.

The HTML pages contain ``plotly-basic.min.js`` of plotly.js 4.1.1 (npm package plotly.js-basic-dist-min), copyright
Plotly, Inc., under the MIT license, whose notice is in the file.
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.reporting.plots.dispatch import plot_of
    from lambda_arch.reporting.plots.files import write_plot
    from lambda_arch.reporting.plots.plot import Bars, Plot, Series

__all__ = ["Bars", "Plot", "Series", "plot_of", "write_plot"]

__getattr__, __dir__ = lazy_names(
    __name__, {"Bars": "plot", "Plot": "plot", "Series": "plot", "plot_of": "dispatch", "write_plot": "files"}
)
