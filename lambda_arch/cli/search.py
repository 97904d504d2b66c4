"""``lambda-arch search``."""

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.gates import fail
from lambda_arch.cli.interrupts import KEPT, interruptible, say_where
from lambda_arch.cli.messages import say
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.plots import Plotted, takes_plot
from lambda_arch.cli.predict import Strict
from lambda_arch.cli.progress import Advance, progress_bar, say_note, track
from lambda_arch.cli.proposals import ProposalFlags, takes_proposals
from lambda_arch.errors import LambdaArchError, SetupError
from lambda_arch.searching.built_in_spaces import BUILT_IN, DEFAULT_SPACE

if TYPE_CHECKING:
    from lambda_arch.cluster.progress import Tasks
    from lambda_arch.searching.front import Front

SETUP = ("device", "batch_size", "dtype", "mode", "threads", "clock")

Minimize = Annotated[
    list[str] | None,
    typer.Option("--minimize", help="Costs, with commas: params, macs, flops, memory, latency.", metavar="METRICS"),
]
Maximize = Annotated[
    list[str] | None,
    typer.Option("--maximize", help="Gains, with commas: top1, throughput.", metavar="METRICS"),
]


@takes_flags(*SETUP, "store", "cluster", "resource")
@takes_plot
@takes_output
@takes_proposals
def search(
    *,
    space: Annotated[
        str, typer.Option("--space", help=f"{', '.join(BUILT_IN)}, or a TOML file.", metavar="SPACE")
    ] = DEFAULT_SPACE,
    minimize: Minimize = None,
    maximize: Maximize = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="A bound, such as 'params<=16M'; may be given again.", metavar="BOUND"),
    ] = None,
    accuracy: Annotated[
        str | None,
        typer.Option(
            "--accuracy",
            help="Predict top1 from your runs: a CSV file of architecture and top1, or store, for those of `runs`.",
            metavar="FILE|store",
        ),
    ] = None,
    with_published: Annotated[
        bool, typer.Option("--with-published", help="Fit on the published runs as well as those of --accuracy.")
    ] = False,
    function: Annotated[
        str | None,
        typer.Option(
            "--function", help="Your own objective, a function of an architecture: FILE.py:NAME.", metavar="F"
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Measure the latency of whole networks in the search; needs no calibration."),
    ] = False,
    strict: Strict = False,
    evaluations: Annotated[
        int | None,
        typer.Option(
            "--evaluations", help="Networks to evaluate, with --function or --measure. [default: 400]", metavar="N"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed of such a search, and of proposals. [default: 0]", metavar="N")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            help="Find a large front within this share of every metric. [default: 0.005 for the largest spaces]",
            metavar="SHARE",
        ),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(
            "--record",
            help="Record evaluations in this file, or in the store, and reuse them.",
            metavar="FILE|store",
        ),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(
            "--members", help="Members to show. [default: 20, 1000 in files]", metavar="N", show_default=False
        ),
    ] = None,
    verify: Annotated[
        int, typer.Option("--verify", help="Build N members and count them with all three counters.", metavar="N")
    ] = 0,
    expect: Annotated[
        Path | None,
        typer.Option(
            "--expect",
            help="Exit with 1 unless the front is that of this JSON file of an earlier search.",
            metavar="FILE",
        ),
    ] = None,
    proposals: ProposalFlags,
    flags: Flags,
    plotted: Plotted,
    output: Output,
) -> None:
    """Find the Pareto-optimal architectures of a search space."""
    from lambda_arch.reporting.calibrations import doubt_lines
    from lambda_arch.reporting.fronts import IN_FILES, ON_TERMINAL, front_report, shown_front, summary
    from lambda_arch.searching.expected_front import read_front
    from lambda_arch.searching.highlights import spread
    from lambda_arch.searching.pareto_search import search as find

    _check(members, verify)
    if verify and (expect or plotted.plot):
        raise LambdaArchError(f"verify={verify}: shows its own table; expected it without expect and plot")
    _check_cluster(flags.cluster, measure or proposals.train)
    expected = None if expect is None else read_front(expect)
    problem: dict[str, Any] = {
        **{"space": space, "minimize": minimize, "maximize": maximize, "where": where or ()},
        **{name: value for name, value in flags.arguments(one=True).items() if name in SETUP},
        **{"accuracy": accuracy, "store": flags.store, "seed": seed},
    }
    how: dict[str, Any] = {"function": function, "measure": measure, "strict": strict, "evaluations": evaluations}
    how |= {"record": record, "tolerance": tolerance, "with_published": with_published}
    if proposals.asked():
        how |= {"members": members, "plot": plotted.plot, "verify": verify, "expect": expect}
        proposals.run(output, problem, how, flags.on_cluster())
        return
    since = monotonic()
    with interruptible() as interruption, progress_bar(1, "search") as advance:
        how["progress"] = lambda done, total: advance(1 / total, "")
        front = _find_there(problem, how, flags, advance) if flags.cluster else find(**problem, **how)
    interruption.leave(KEPT if measure or record is not None else "nothing is kept")
    if measure:
        say_where(since, flags.store, "results")
    if verify:
        _verify(front, verify, flags, output)
        return
    differences = [] if expected is None else _differences(expected, front)
    shown = shown_front(front, spread(front, members or (ON_TERMINAL if output.for_people else IN_FILES)))
    report = front_report(shown)
    if output.chosen == "csv":  # its columns cannot hold them
        for note in summary(front):
            say(f"note: {note}", err=True)
    elif output.chosen == "json":
        for line in doubt_lines(front.problem.doubts):
            say(f"note: {line}", err=True)
    if plotted.plot is not None:
        from lambda_arch.reporting.plots.fronts import front_plot

        more = shown if members or len(shown.members) == len(front) else shown_front(front, spread(front, IN_FILES))
        plotted.draw(front_plot(more))
    if not plotted.replaces_table:
        output.show(report)
    fail(f"not the front of {expect}: {line}" for line in differences)
    if not len(front):
        from lambda_arch.searching.nearest import nearest

        for hint in nearest(front.problem):
            say(f"lambda-arch: {hint}", err=True)
        raise typer.Exit(1)


def _find_there(problem: dict[str, Any], how: dict[str, Any], flags: Flags, advance: Advance) -> "Front":
    """Search on a cluster."""
    from lambda_arch.cluster import search

    def tell(now: "Tasks") -> None:
        say_note(now)
        advance(0, str(now))

    how = {name: value for name, value in how.items() if name != "measure"}
    return search(**problem, **how, **flags.on_cluster(), tasks=tell)


def _differences(expected: dict[str, Any], front: "Front") -> list[str]:
    """Return the lines in which a front differs from the one of an earlier search, as many of its members."""
    from lambda_arch.reporting.fronts import front_report, shown_front
    from lambda_arch.searching.expected_front import front_differences
    from lambda_arch.searching.highlights import spread

    listed = len(expected["members"])
    number = len(front) if listed == expected.get("front_members") else listed
    return front_differences(expected, front_report(shown_front(front, spread(front, number))).data)


def _verify(front: "Front", number: int, flags: Flags, output: Output) -> None:
    """Build and count members of the front; exit with 1 if the counters do not agree."""
    from lambda_arch.reporting.verifications import checked_report
    from lambda_arch.searching.highlights import spread
    from lambda_arch.searching.member_checks import check_members

    timed = None if front.problem.costs.latency is None else flags.setup()
    chosen = spread(front, number)
    with interruptible() as interruption:
        checked = list(track(check_members(front, chosen, setup=timed, store=flags.store), len(chosen), "built"))
    interruption.leave()
    output.show(checked_report(front, checked))
    if not all(each.agrees for each in checked):
        raise typer.Exit(1)


def _check_cluster(cluster: str | None, useful: bool) -> None:
    if cluster is not None and not useful:
        raise SetupError(
            f"cluster={cluster}: expected it with measure=True or train=True, for nothing is measured else"
        )


def _check(members: int | None, verify: int) -> None:
    for name, value, least in (("members", members, 1), ("verify", verify, 0)):
        if value is not None and value < least:
            raise LambdaArchError(f"{name}={value}: expected a whole number from {least}")
