"""``lambda-arch report``."""

from pathlib import Path
from typing import Annotated

import typer

from lambda_arch.cli.flags import Flags, takes_flags
from lambda_arch.cli.messages import say
from lambda_arch.cli.progress import busy
from lambda_arch.errors import DataError
from lambda_arch.files import atomic_write

Names = list[str] | None


@takes_flags("store")
def report(
    *,
    out: Annotated[Path, typer.Option("--out", help="The page to write.", metavar="FILE.html")] = Path("report.html"),
    space: Annotated[
        Names,
        typer.Option(
            "--space", help="A space to search; may be given again. [default: scaling, stages]", metavar="SPACE"
        ),
    ] = None,
    show: Annotated[
        Names,
        typer.Option("--show", help="An architecture whose costs to show; may be given again.", metavar="ARCHITECTURE"),
    ] = None,
    accuracy: Annotated[
        str | None, typer.Option("--accuracy", help="As in `search`: a CSV file, or store.", metavar="FILE|store")
    ] = None,
    flags: Flags,
) -> None:
    """Write everything that is known as one HTML page.

    Counts, fronts, measurements, training runs and the audit.
    """
    from lambda_arch.reporting.html_report.page import ARCHITECTURES, SPACES, html_report

    if out.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"out={out}: expected a name that ends in .html")
    if not out.parent.is_dir():
        raise DataError(f"out={out}: no folder {out.parent}; expected one that exists")
    with flags.open_store(read_only=True) as opened, busy("report"):
        page = html_report(opened, space or SPACES, show or ARCHITECTURES, accuracy)
    atomic_write(out, page)
    say(f"{out} written", err=True)
