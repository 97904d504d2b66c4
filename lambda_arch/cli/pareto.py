"""``lambda-arch pareto``."""

from pathlib import Path
from typing import Annotated

import typer

from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.cli.progress import busy

Columns = list[str] | None


@takes_plot
@takes_output
def pareto(
    *,
    table: Annotated[Path, typer.Argument(help="A CSV file whose first line names the columns.", metavar="TABLE.csv")],
    minimize: Annotated[
        Columns, typer.Option("--minimize", help="Columns where less is better, with commas.", metavar="COLUMNS")
    ] = None,
    maximize: Annotated[
        Columns, typer.Option("--maximize", help="Columns where more is better, with commas.", metavar="COLUMNS")
    ] = None,
    plotted: Plotted,
    output: Output,
) -> None:
    """Find the Pareto-optimal rows of any CSV table."""
    from lambda_arch.reporting import report_of
    from lambda_arch.searching.table_front import table_front

    with busy("pareto") as progress:
        found = table_front(table, minimize or [], maximize or [], progress=progress)
        report = report_of(found)
    plotted.show(output, found, report)
