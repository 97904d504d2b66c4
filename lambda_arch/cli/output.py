"""Where a report goes: the terminal, a pipe, a file."""

import errno
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typer import Option

from lambda_arch.cli.parameters import Command, declared, expand
from lambda_arch.errors import DataError, escaped
from lambda_arch.files import atomic_write
from lambda_arch.reporting import FORMATS, Report, print_report, report_of, to_text
from lambda_arch.results import Result

FormatName = Literal["table", "csv", "json", "md", "latex"]
ENDINGS: dict[str, FormatName] = {".csv": "csv", ".json": "json", ".md": "md", ".tex": "latex"}
FILE_WIDTH = 120


@dataclass(frozen=True)
class Output:
    """How and where a command's report is written."""

    format: Annotated[
        FormatName | None,
        Option(help="Output format. [default: table on a terminal, csv in a pipe]", show_default=False),
    ] = None
    out: Annotated[Path | None, Option(help="Write to this file; its suffix selects the format.", metavar="FILE")] = (
        None
    )

    def __post_init__(self) -> None:
        """Refuse a file that cannot be written, or whose ending says no format, before any work is done."""
        out = self.out
        if out is None:
            return
        if str(out) == "-":
            object.__setattr__(self, "out", None)
        elif str(out) == ".":
            raise DataError("out=.: a folder; expected the name of a file")
        elif out.suffix and self.format is None and out.suffix not in (*ENDINGS, ".txt"):
            raise DataError(
                f"out={out}: expected a name that ends in {', '.join(ENDINGS)} or .txt, or format=NAME with it"
            )
        elif out.suffix and not out.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(out))

    @property
    def chosen(self) -> FormatName:
        """The format asked for, or the default for the file, terminal or pipe."""
        if self.format is not None:
            return self.format
        if self.out is not None:
            return ENDINGS.get(self.out.suffix, "table")
        return "table" if sys.stdout.isatty() else "csv"

    @property
    def for_people(self) -> bool:
        """Whether it is read by people, not programs."""
        return self.chosen not in ("csv", "json")

    def show(self, shown: Result | Report) -> None:
        """Write a result or a report. Raises OSError if the file cannot be written."""
        report = report_of(shown) if isinstance(shown, Result) else shown
        if self.out is None and self.chosen == "table":
            print_report(report)
            return
        text = to_text(report, FILE_WIDTH) if self.chosen == "table" else FORMATS[self.chosen](report)
        if self.out is None:
            text = _encodable(text) if self.chosen == "json" else text
            sys.stdout.write(_printable(text, self.chosen) if sys.stdout.isatty() else text)
        else:
            atomic_write(self.out, text)


def _encodable(text: str) -> str:
    """Return JSON with its own escapes for what stdout cannot encode."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return "".join(each if each.isascii() else json.dumps(each)[1:-1] for each in text)
    return text


def _printable(text: str, name: FormatName) -> str:
    """Return ``text`` with no character that changes a terminal; JSON stays JSON."""
    if name != "json":
        return "\n".join(map(escaped, text.split("\n")))
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def takes_output(command: Command) -> Command:
    """Give ``command(..., output)`` the flags ``--format`` and ``--out``."""
    return expand(command, "output", declared(Output), Output)
