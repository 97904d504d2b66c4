"""``lambda-arch time``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambda_arch.arch import Architecture, ArchitectureError, parse
from lambda_arch.cli.architectures import DEFAULT, takes_architectures
from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.cli.setups import (
    Batches,
    Cast,
    ChannelsLast,
    Clock,
    Compile,
    CudaGraph,
    Device,
    DTypes,
    EvaluationName,
    Fresh,
    Hang,
    MemoryLimit,
    Mode,
    Quiet,
    Seconds,
    Spread,
    StorePath,
    Threads,
    interruptible,
    leave_if,
    limits,
    open_store,
    watch,
    whole_numbers,
    words,
)

if TYPE_CHECKING:
    from lambda_arch.reporting import Report
    from lambda_arch.store import Case, Setup, Store
    from lambda_arch.timing import Limits, Measuring


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(takes_architectures(time))


def time(
    architectures: list[Architecture],
    device: Device = "cpu",
    batch_size: Batches = "1",
    dtype: DTypes = "fp32",
    cast: Cast = "autocast",
    channels_last: ChannelsLast = False,
    mode: Mode = "",
    compile: Compile = False,  # noqa: A002
    cuda_graph: CudaGraph = False,
    threads: Threads = 0,
    clock: Clock = "wall",
    evaluation: EvaluationName = "canonical",
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Compare all with this one, round by round.", metavar="NAME")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", help="The networks of a published table, beside its figures.", metavar="TABLE"),
    ] = None,
    roofline: Annotated[bool, typer.Option("--roofline", help="By stage: bound by arithmetic or by bytes.")] = False,
    seconds: Seconds = 10.0,
    spread: Spread = 0.05,
    limit: Hang = 600.0,
    memory_limit: MemoryLimit = 0.0,
    fresh: Fresh = False,
    store: StorePath = None,
    quiet: Quiet = False,
    format: Format = None,  # noqa: A002
    out: Out = None,
) -> None:
    """Measure latency, throughput and memory, in interleaved rounds; what was measured before is not measured again."""
    from lambda_arch.comparing.speeds import timed_table

    published = None if table is None else timed_table(table)
    if published and [str(network) for network in architectures] != [DEFAULT]:
        raise ArchitectureError(f"--table {table}: has networks of its own; expected no {architectures[0]} beside them")
    setups = _setups(
        device=device,
        batch_size=batch_size,
        dtype=dtype,
        cast=cast,
        memory_format="channels_last" if channels_last else "contiguous",
        mode=mode or (published.mode if published else "inference"),
        compile=compile,
        graph=cuda_graph,
        threads=threads,
        clock=clock,
        evaluation=evaluation,
    )
    bounds = limits(seconds, spread, limit, memory_limit)
    networks = published.architectures if published else list(dict.fromkeys(architectures))
    if published and len(setups) > 1:
        raise ArchitectureError(f"--table {table}: expected one batch size and one dtype")
    with open_store(store) as opened:
        if roofline:
            emit(_roofline(opened, networks, setups, bounds), format, out)
            return
        against = [parse(baseline)] if baseline else published.baselines if published else []
        cases = [case for setup in setups for case in _cases(opened, networks, setup, bounds, batch_size)]
        measuring = _measuring(opened, cases, against, bounds, fresh)
        with interruptible() as ended:
            watch(measuring.events(), len(measuring.todo), seconds, "time", quiet)
        emit(_report(measuring, published, str(against[0]) if against else ""), format, out)
        leave_if(ended)


def _setups(*, batch_size: str, dtype: str, **rest: Any) -> "list[Setup]":
    from lambda_arch.store import Setup

    batches = [1] if batch_size == "auto" else whole_numbers(batch_size, "--batch-size")
    return [Setup(batch_size=batch, dtype=name, **rest) for name in words(dtype) for batch in batches]  # type: ignore[arg-type]


def _cases(
    store: "Store", networks: list[Architecture], setup: "Setup", bounds: "Limits", batch_size: str
) -> "list[Case]":
    from lambda_arch.store import Case
    from lambda_arch.timing import describe, largest_batch_size

    if batch_size != "auto":
        return [Case(network, setup) for network in networks]
    fingerprint = describe(store, [setup.device])[setup.device]
    found = []
    for network in networks:
        case = Case(network, setup, auto=True)
        batch = largest_batch_size(store, case, bounds, fingerprint)
        typer.echo(f"{network}: the largest batch that fits is {batch}", err=True)
        found.append(replace(case, setup=replace(setup, batch_size=batch)))
    return found


def _measuring(
    store: "Store", cases: "list[Case]", against: list[Architecture], bounds: "Limits", fresh: bool
) -> "Measuring":
    from lambda_arch.timing import Measuring

    setups = dict.fromkeys(case.setup for case in cases)
    plain = {(case.architecture, case.setup): case for case in cases}
    baselines = [
        plain.get((network, setup)) or replace(cases[0], architecture=network, setup=setup)
        for setup in setups
        for network in against
    ]
    return Measuring(store, cases, bounds, baselines=baselines, fresh=fresh)


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


def _roofline(store: "Store", networks: list[Architecture], setups: "list[Setup]", bounds: "Limits") -> "Report":
    from lambda_arch.reporting.rooflines import roofline_report
    from lambda_arch.timing.blocks import with_blocks
    from lambda_arch.timing.known_ceilings import known_or_measured
    from lambda_arch.timing.roofline import rooflines

    found = []
    for setup in setups:
        rates = known_or_measured(store, setup.device, setup.threads)
        found += [(setup, *entry) for entry in rooflines(with_blocks(networks), setup, bounds, rates)]
    return roofline_report(found)
