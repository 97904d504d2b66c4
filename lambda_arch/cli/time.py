"""``lambda-arch time``."""

from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambda_arch.cli.architectures import Named, check_inputs, read_baseline, takes_networks
from lambda_arch.cli.flags import MEASURING, PREPARED, SETUP, SEVERAL, Flags, takes_flags
from lambda_arch.cli.interrupts import leave, say_where, terminable
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.cli.progress import watch, watch_cluster
from lambda_arch.errors import ArchitectureError

if TYPE_CHECKING:
    from lambda_arch.comparing.speeds import TableTimings
    from lambda_arch.timing import Measurements, Rooflines


@takes_networks
@takes_flags(
    *SETUP, "compile", "cuda_graph", "runtime", "spread", "cluster", "resource", *MEASURING,
    annotations=SEVERAL | PREPARED,
)  # fmt: skip
@takes_plot
@takes_output
def time(
    architectures: Named,
    *,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Compare all with this one, round by round.", metavar="NAME")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", help="Measure the networks of a published table instead.", metavar="TABLE"),
    ] = None,
    roofline: Annotated[
        bool, typer.Option("--roofline", help="Show for each stage whether it is compute-bound or memory-bound.")
    ] = False,
    flags: Flags,
    plotted: Plotted,
    output: Output,
) -> None:
    """Measure latency, throughput and memory of networks.

    Networks are measured in interleaved rounds. Earlier measurements are reused.
    """
    from lambda_arch.comparing.speeds import measure_table
    from lambda_arch.reporting import report_of
    from lambda_arch.reporting.sweeps import swept_report
    from lambda_arch.timing import measure
    from lambda_arch.timing import roofline as measure_roofline

    _check(architectures, baseline, table, roofline=roofline)
    if roofline:
        flags.check_here("roofline=True")
    runtimes = list(dict.fromkeys(word.strip() for word in flags.runtime.split(",")))
    if roofline and runtimes != ["torch"]:
        raise ArchitectureError(f"runtime={flags.runtime}: expected torch with roofline=True, which times its modules")
    arguments: dict[str, Any] = {
        **flags.arguments(),
        "compile": flags.compile,
        "cuda_graph": flags.cuda_graph,
        "spread": flags.spread,
        **({} if roofline else {"runtime": runtimes[0] if len(runtimes) == 1 else runtimes}),
    }
    result: Measurements | TableTimings | Rooflines
    before = "looking at the device, and measuring its peak rates once" if roofline else "looking at the device"
    since = monotonic()
    if flags.cluster is not None:
        from lambda_arch.cluster import measure as measure_there
        from lambda_arch.cluster import measure_table as measure_table_there

        base = read_baseline(baseline, architectures)
        with terminable(), watch_cluster("time", quiet=flags.quiet) as tell:
            arguments |= {**flags.on_cluster(), "progress": tell, "fresh": flags.fresh}
            if table is not None:
                result = measure_table_there(table, **arguments)
            else:
                result = measure_there(architectures, baseline=base, **arguments)
    else:
        with terminable(), watch("time", quiet=flags.quiet, before=before) as progress:
            if roofline:
                result = measure_roofline(architectures, progress=progress, **arguments)
            elif table is not None:
                result = measure_table(table, fresh=flags.fresh, progress=progress, **arguments)
            else:
                base = read_baseline(baseline, architectures)
                result = measure(architectures, baseline=base, fresh=flags.fresh, progress=progress, **arguments)
    plotted.show(output, result, swept_report(report_of(result), architectures.swept))
    leave(interrupted=result.interrupted, measured=result.is_measured)
    if not (roofline or flags.quiet):  # rooflines are not kept
        say_where(since, flags.store, "results")


def _check(architectures: Named, baseline: str | None, table: str | None, *, roofline: bool) -> None:
    """Raise ArchitectureError for arguments that exclude each other."""
    if table is not None and architectures.by_user:
        raise ArchitectureError(f"table={table}: has networks of its own; expected no {architectures[0]}")
    if roofline and table is not None:
        raise ArchitectureError(f"table={table}: expected it without roofline=True, which takes networks by name")
    if baseline is not None and (roofline or table is not None):
        other = "roofline=True" if roofline else f"table={table}"
        raise ArchitectureError(f"baseline={baseline}: expected it without {other}, which compares otherwise")
    if roofline or table is not None:
        check_inputs(architectures)
