"""``lambda-arch results``: list, compare, merge and export stored measurements."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambda_arch.cli.architectures import read_one
from lambda_arch.cli.command import Command, Group
from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.gates import FailOver, check_ratios, read_fail_over
from lambda_arch.cli.messages import note_left_out, say
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.errors import ArchitectureError, DataError
from lambda_arch.interop.references import is_reference, read_reference

if TYPE_CHECKING:
    from lambda_arch.store import Measurement, Store

Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Only those with batch=8 or architecture=lambda*, say; repeatable.", metavar="COND"),
]

results = typer.Typer(
    cls=Group,
    help="List, compare, merge, check and export measurements.",
    invoke_without_command=True,
    no_args_is_help=False,
)


@results.callback()
@takes_flags("store")
@takes_plot
@takes_output
def show(context: typer.Context, *, only: Only = None, flags: Flags, plotted: Plotted, output: Output) -> None:
    """List all stored measurements by setup."""
    if context.invoked_subcommand is not None:
        if only or flags != Flags() or plotted != Plotted() or output != Output():
            raise ArchitectureError(f"results {context.invoked_subcommand}: expected options after the subcommand")
        return
    from lambda_arch.reporting.timings import results_report
    from lambda_arch.timing.measuring import timings

    with flags.open_store(read_only=True) as opened:
        found = timings(opened, _selected(opened, only))
        if plotted.plot is not None:
            from lambda_arch.reporting.plots.timings import timings_plot

            plotted.draw(timings_plot(found))
        if not plotted.replaces_table:
            output.show(results_report(found))
        note_left_out(opened)


@results.command(cls=Command)
@takes_flags("store")
@takes_output
def compare(
    *,
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The architecture to compare with.")],
    only: Only = None,
    fail_over: FailOver = None,
    flags: Flags,
    output: Output,
) -> None:
    """Compare measurements with BASELINE, round by round.

    Only those of the same session can be compared.
    """
    limit = read_fail_over(fail_over)
    from lambda_arch.reporting.timings import results_report
    from lambda_arch.timing.measuring import timings

    name = str(read_reference(baseline) if is_reference(baseline) else read_one(baseline))
    with flags.open_store(read_only=True) as opened:
        found = [timing for timing in timings(opened, _selected(opened, only), name) if timing.ratio is not None]
    others = {
        (each.measurement.session, each.measurement.setup) for each in found if each.measurement.architecture != name
    }
    found = [each for each in found if (each.measurement.session, each.measurement.setup) in others]
    if not found:
        raise ArchitectureError(f"{name}: nothing was measured in one session with it; `time --baseline` does that")
    output.show(results_report(found))
    check_ratios(found, limit)


@results.command(cls=Command)
@takes_flags("store")
def merge(
    *,
    other: Annotated[Path, typer.Argument(metavar="OTHER", help="Another store, of this or another machine.")],
    flags: Flags,
) -> None:
    """Copy the measurements of OTHER into the store."""
    from lambda_arch.store import merge as merge_stores
    from lambda_arch.store.connection import check_file

    check_file(other)  # before a store is made
    with flags.open_store() as opened:
        added = merge_stores(opened, other)
    say(
        f"added: {added['measurement']} measurements, {added['peak']} peak rates, {added['part']} block latencies, "
        f"{added['choice']} evaluations, {added['run']} training runs, "
        f"{added['evaluation']} values of searches, {added['machine']} machines",
        err=True,
    )
    if added["skipped"]:
        say(f"note: {added['skipped']} damaged rows of {other} are left out", err=True)


@results.command(cls=Command)
@takes_flags("store")
@takes_output
def table(
    *,
    architecture: Annotated[
        list[str] | None, typer.Argument(metavar="ARCHITECTURE", help="Architectures to add to those known.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", help="Write a Parquet file instead.", metavar="FILE")
    ] = None,
    no_shipped: Annotated[
        bool, typer.Option("--no-shipped", help="Leave out the figures that come with the package.")
    ] = False,
    flags: Flags,
    output: Output,
) -> None:
    """Show one row per architecture with everything known.

    Settings, exact costs, memory, stored latencies, accuracies.
    """
    if parquet is not None and parquet.suffix != ".parquet":
        raise DataError(f"parquet={parquet}: expected a name that ends in .parquet, or out={parquet}")
    from lambda_arch.reporting import report_of
    from lambda_arch.searching.catalogue import catalogue

    with flags.open_store(read_only=True) as opened:
        report = report_of(catalogue(opened, architecture or (), shipped=not no_shipped))
    if parquet is None:
        output.show(report)
        return
    from lambda_arch.reporting.exports import write_flat

    write_flat(parquet, report)
    say(f"{len(report.flat.rows)} architectures written to {parquet}", err=True)


@results.command(cls=Command)
@takes_flags("store")
@takes_output
def check(*, flags: Flags, output: Output) -> None:
    """List damaged rows, which other commands leave out. Exits with 1 if there are any."""
    from lambda_arch.store import check_store

    with flags.open_store(read_only=True) as opened:
        found = check_store(opened)
    output.show(found)
    if found.damaged:
        raise typer.Exit(1)


@results.command(cls=Command)
@takes_flags("store")
def export(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .parquet file to write.")],
    only: Only = None,
    flags: Flags,
) -> None:
    """Write measurements with setup, machine and raw samples."""
    from lambda_arch.reporting.exports import write_timings
    from lambda_arch.timing.measuring import timings

    with flags.open_store(read_only=True) as opened:
        found = timings(opened, _selected(opened, only))
        note_left_out(opened)
    write_timings(file, found)
    say(f"{len(found)} measurements written to {file}", err=True)


def _selected(store: "Store", only: list[str] | None) -> "list[Measurement]":
    from lambda_arch.store import find_measurements
    from lambda_arch.store.conditions import select

    return select(find_measurements(store), only or [])
