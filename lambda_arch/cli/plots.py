"""The flags of plots: where a plot goes, and how wide an image is."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from lambda_arch.cli.messages import say
from lambda_arch.cli.parameters import Command, declared, expand
from lambda_arch.errors import LambdaArchError

if TYPE_CHECKING:
    from lambda_arch.cli.output import Output
    from lambda_arch.reporting import Report
    from lambda_arch.reporting.plots import AnyPlot
    from lambda_arch.results import Result

WIDTHS = (1.0, 40.0)  # inches


@dataclass(frozen=True)
class Plotted:
    """Where a command's plot goes, if it draws one. With ``-`` it replaces the table on the terminal."""

    plot: Annotated[
        str | None,
        Option(help="Plot to a .html, .png, .svg or .pdf file, or to the terminal with -.", metavar="FILE"),
    ] = None
    plot_width: Annotated[
        float | None, Option(help="Width of an image in inches. [default: 3.3, a column of a paper]", metavar="INCHES")
    ] = None

    def __post_init__(self) -> None:
        """Refuse a plot that cannot be written, before any work is done."""
        if self.plot is not None and self.plot != "-":
            from lambda_arch.reporting.plots.files import check_ending

            check_ending(Path(self.plot))
        if self.plot_width is not None and not WIDTHS[0] <= self.plot_width <= WIDTHS[1]:
            raise LambdaArchError(f"plot_width={self.plot_width:g}: expected inches from 1 to 40, such as 3.3")

    @property
    def replaces_table(self) -> bool:
        """Whether the plot is drawn on the terminal, instead of the table."""
        return self.plot == "-"

    def show(self, output: "Output", result: "Result", report: "Report | None" = None) -> None:
        """Draw a result, if a plot was asked for, and show it or its ``report`` unless the plot replaces the table."""
        self.draw(result)
        if not self.replaces_table:
            output.show(report or result)

    def draw(self, shown: "Result | AnyPlot") -> None:
        """Draw a result, or a plot, if a plot was asked for."""
        if self.plot is None:
            return
        from lambda_arch.reporting.plots import plot_of
        from lambda_arch.results import Result

        plot = plot_of(shown) if isinstance(shown, Result) else shown
        if self.plot == "-":
            from lambda_arch.reporting.plots.text import characters

            sys.stdout.write(characters(plot, min(100, shutil.get_terminal_size().columns)))
            return
        from lambda_arch.reporting.plots import write_plot
        from lambda_arch.reporting.plots.image import COLUMN

        write_plot(plot, Path(self.plot), self.plot_width or COLUMN)
        say(f"{self.plot} written", err=True)


def takes_plot(command: Command) -> Command:
    """Give ``command(..., plotted)`` the flags ``--plot`` and ``--plot-width``."""
    return expand(command, "plotted", declared(Plotted), Plotted)
