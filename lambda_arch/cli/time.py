"""``lambda-arch time``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambda_arch.arch import Architecture, ArchitectureError, parse
from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.flags import MEASURING, SETUP, Flags, takes_flags
from lambda_arch.cli.interrupts import interruptible
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.cli.progress import watch

if TYPE_CHECKING:
    from lambda_arch.reporting import Report
    from lambda_arch.store import Case, Setup, Store
    from lambda_arch.timing import Limits, Measuring


@takes_architectures
@takes_flags(*SETUP, "compile", "cuda_graph", "spread", *MEASURING)
@takes_output
def time(
    architectures: Named,
    *,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Compare all with this one, round by round.", metavar="NAME")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", help="The networks of a published table, beside its figures.", metavar="TABLE"),
    ] = None,
    roofline: Annotated[bool, typer.Option("--roofline", help="By stage: bound by arithmetic or by bytes.")] = False,
    flags: Flags,
    output: Output,
) -> None:
    """Measure latency, throughput and memory, in interleaved rounds; what was measured before is not measured again."""
    from lambda_arch.comparing.speeds import timed_table

    published = None if table is None else timed_table(table)
    if published and architectures.by_user:
        raise ArchitectureError(f"table={table}: has networks of its own; expected no {architectures[0]}")
    setups = flags.setups(published.mode if published else "inference")
    limits = flags.limits()
    networks = published.architectures if published else list(dict.fromkeys(architectures))
    if published and len(setups) > 1:
        raise ArchitectureError(f"table={table}: expected one batch size and one dtype")
    with flags.open_store() as opened:
        if roofline:
            output.show(_roofline(opened, networks, setups, limits))
            return
        against = [parse(baseline)] if baseline else published.baselines if published else []
        cases = [case for setup in setups for case in _cases(opened, networks, setup, limits, flags.batch_size)]
        measuring = _measuring(opened, cases, against, limits, flags.fresh)
        with interruptible() as interruption:
            watch(measuring.events(), len(measuring.todo), limits.seconds, "time", flags.quiet)
        output.show(_report(measuring, published, str(against[0]) if against else ""))
        interruption.leave()


def _cases(
    store: "Store", networks: list[Architecture], setup: "Setup", limits: "Limits", batch_size: str
) -> "list[Case]":
    from lambda_arch.store import Case
    from lambda_arch.timing import describe, largest_batch_size

    if batch_size != "auto":
        return [Case(network, setup) for network in networks]
    fingerprint = describe(store, [setup.device])[setup.device]
    found = []
    for network in networks:
        case = Case(network, setup, auto=True)
        batch = largest_batch_size(store, case, limits, fingerprint)
        typer.echo(f"{network}: the largest batch that fits is {batch}", err=True)
        found.append(replace(case, setup=replace(setup, batch_size=batch)))
    return found


def _measuring(
    store: "Store", cases: "list[Case]", against: list[Architecture], limits: "Limits", fresh: bool
) -> "Measuring":
    from lambda_arch.timing import Measuring

    setups = dict.fromkeys(case.setup for case in cases)
    plain = {(case.architecture, case.setup): case for case in cases}
    baselines = [
        plain.get((network, setup)) or replace(cases[0], architecture=network, setup=setup)
        for setup in setups
        for network in against
    ]
    return Measuring(store, cases, limits, baselines=baselines, fresh=fresh)


def _report(measuring: "Measuring", published: Any, baseline: str) -> "Report":
    from lambda_arch.reporting.ratios import measured_report
    from lambda_arch.reporting.timings import Timing, timings_report
    from lambda_arch.store.measurements import find_in_session
    from lambda_arch.store.peaks import read_peaks

    found = measuring.results()
    known = read_peaks(measuring.store)
    if published:
        bases = {
            (m.uid, str(b)): find_in_session(measuring.store, m.session, str(b))
            for m in found
            for b in published.baselines
        }
        return measured_report(published, found, bases)
    timings = []
    for m in found:
        base = find_in_session(measuring.store, m.session, baseline)
        ceiling = known.get((m.fingerprint, m.setup.dtype, m.setup.threads))
        timings.append(Timing(m, baseline, m.ratio_to(base) if base else None, ceiling))
    hint = [] if any(t.ceiling for t in timings) else ["`lambda-arch devices` measures the ceiling to compare with."]
    return timings_report(timings, notes=hint)


def _roofline(store: "Store", networks: list[Architecture], setups: "list[Setup]", limits: "Limits") -> "Report":
    from lambda_arch.reporting.rooflines import roofline_report
    from lambda_arch.timing.blocks import with_blocks
    from lambda_arch.timing.known_ceilings import known_or_measured
    from lambda_arch.timing.roofline import rooflines

    found = []
    for setup in setups:
        rates = known_or_measured(store, setup.device, setup.threads)
        found += [(setup, *entry) for entry in rooflines(with_blocks(networks), setup, limits, rates)]
    return roofline_report(found)
