"""``lambda-arch tables``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.messages import say
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.comparing import Comparisons, LongComparisons, compare
from lambda_arch.lazy import is_installed
from lambda_arch.reporting.tables_folder import stale_files, write_folder

FOLDER = Path("tables")
TableNames = Annotated[
    list[str] | None, typer.Argument(metavar="TABLE", help="Which tables. [default: all]", show_default=False)
]


@takes_flags("store")
@takes_plot
@takes_output
def tables(
    *,
    names: TableNames = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if the folder of --out (tables/) is stale.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Count every row with all counters and compare them.")
    ] = False,
    long: Annotated[bool, typer.Option("--long", help="One row per printed figure, for plotting.")] = False,
    flags: Flags,
    plotted: Plotted,
    output: Output,
) -> None:
    """Compare published tables with our counts.

    With a folder as --out, write one CSV file per table and an index.
    """
    comparisons = compare(names)
    plotted.draw(comparisons)
    if plotted.replaces_table:
        return
    if verify:
        _verify(comparisons, replace(output, out=None) if check else output)
    if check:
        _check(comparisons, output.out or FOLDER)
    elif verify:
        pass
    elif long:
        output.show(LongComparisons(comparisons.items))
    elif output.out is not None and not output.out.suffix:
        say(f"{len(write_folder(comparisons, output.out))} files written to {output.out}", err=True)
    else:
        from lambda_arch.comparing.detector_latencies import with_latencies

        with flags.open_store(read_only=True) as opened:
            output.show(with_latencies(comparisons, opened))


def _check(comparisons: Comparisons, folder: Path) -> None:
    stale = stale_files(comparisons, folder)
    for path in stale:
        state = "stale" if path.exists() else "missing"
        say(f"{path}: {state}; `lambda-arch tables --out {folder}` regenerates it", err=True)
    if stale:
        raise typer.Exit(1)
    say(f"{folder}: up to date", err=True)


def _verify(comparisons: Comparisons, output: Output) -> None:
    from lambda_arch.cli.progress import track
    from lambda_arch.costs.verify_all import verify_all
    from lambda_arch.reporting.verifications import verification_report

    architectures = comparisons.architectures()
    onnx = is_installed("onnx", "onnxscript")
    if not onnx:
        say("note: ONNX's graph is not counted; `pip install 'lambda-arch[onnx]'` adds this counter", err=True)
    results = list(track(verify_all(architectures, onnx=onnx), len(architectures), "counters"))
    output.show(verification_report(results))
    if any(result.disagreements for result in results):
        raise typer.Exit(1)
