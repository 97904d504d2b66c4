"""Where a report goes: the terminal, a pipe, a file."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from lambda_arch.reporting import FORMATS, Report, atomic_write, print_report, to_text

FormatName = Literal["table", "csv", "json", "md", "latex"]
Format = Annotated[
    FormatName | None,
    typer.Option("--format", help="How to write it. [default: table on a terminal, csv in a pipe]", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write to this file; its ending chooses the format.", metavar="FILE"),
]

ENDINGS: dict[str, FormatName] = {".csv": "csv", ".json": "json", ".md": "md", ".tex": "latex"}
FILE_WIDTH = 120


def emit(report: Report, name: FormatName | None, out: Path | None) -> None:
    """Write ``report`` as asked, or as fits where it goes. Raises OSError when ``out`` cannot be written."""
    if name is None:
        name = ENDINGS.get(out.suffix, "table") if out else "table" if sys.stdout.isatty() else "csv"
    if name == "table" and out is None:
        print_report(report)
        return
    text = to_text(report, FILE_WIDTH) if name == "table" else FORMATS[name](report)
    if out is None:
        sys.stdout.write(text)
    else:
        atomic_write(out, text)
