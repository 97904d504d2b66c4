"""``lambda-arch audit`` and ``lambda-arch match``."""

from typing import Annotated

import typer

from lambda_arch.arch import BLOCKS, ArchitectureError
from lambda_arch.cli.output import Format, Out, emit
from lambda_arch.cli.progress import track
from lambda_arch.cli.tables import TableNames, known_table
from lambda_arch.published import load_table, table_names


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(audit)
    app.command()(match)


def audit(names: TableNames = None, format: Format = None, out: Out = None) -> None:  # noqa: A002
    """Find, for each printed figure that its architecture does not give, the simplest reading that does."""
    from lambda_arch.comparing.audit import audit as audit_table
    from lambda_arch.reporting.audits import audit_report

    chosen = [known_table(name) for name in names or table_names()]
    findings = [finding for name in track(chosen, len(chosen), "audit") for finding in audit_table(load_table(name))]
    emit(audit_report(findings), format, out)


def match(
    params: Annotated[
        str | None, typer.Option("--params", help="Parameters as printed: 51.4M.", metavar="FIGURE")
    ] = None,
    macs: Annotated[
        str | None, typer.Option("--macs", help="Multiply-accumulates as printed: 6.58G.", metavar="FIGURE")
    ] = None,
    depth: Annotated[int | None, typer.Option("--depth", help="Only this depth. [default: all]", metavar="N")] = None,
    top: Annotated[int, typer.Option("--top", help="How many to show.", min=1, metavar="N")] = 10,
    format: Format = None,  # noqa: A002
    out: Out = None,
) -> None:
    """Find the architectures whose counts round to a printed number, simplest first."""
    from lambda_arch.comparing.figure import read_figure
    from lambda_arch.comparing.match import match as find
    from lambda_arch.reporting.audits import match_report

    if params is None and macs is None:
        raise ArchitectureError("match: expected --params, --macs, or both, such as --params 51.4M")
    if depth is not None and depth not in BLOCKS:
        raise ArchitectureError(f"--depth {depth}: expected one of {', '.join(map(str, BLOCKS))}")
    matches = find(
        params=None if params is None else read_figure("--params", params),
        macs=None if macs is None else read_figure("--macs", macs),
        depths=tuple(BLOCKS) if depth is None else (depth,),
        top=top,
    )
    emit(match_report(matches), format, out)
