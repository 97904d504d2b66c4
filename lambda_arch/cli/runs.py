"""``lambda-arch runs``."""

from typing import Annotated

import typer

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.messages import note_left_out
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot


@takes_flags("store")
@takes_plot
@takes_output
def runs(
    *,
    data: Annotated[str | None, typer.Option("--data", help="Only those on this data set.", metavar="NAME")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Only those by this recipe.", metavar="NAME")] = None,
    long: Annotated[bool, typer.Option("--long", help="One row per epoch, for plotting.")] = False,
    flags: Flags,
    plotted: Plotted,
    output: Output,
) -> None:
    """List training runs. As CSV, `search --accuracy` takes them."""
    from lambda_arch.reporting import report_of
    from lambda_arch.training import find_runs
    from lambda_arch.training.runs import LongRuns

    with flags.open_store(read_only=True) as opened:
        found = find_runs(opened, data=data, recipe=recipe)
        note_left_out(opened)
    plotted.show(output, found, report_of(LongRuns(found.items)) if long else None)
