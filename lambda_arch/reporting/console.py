"""A report on a terminal, with rich."""

import io
import sys
from collections.abc import Sequence
from typing import TextIO

from lambda_arch.reporting.table import Column, Report, Table

FOLDED = (24, 16)  # as a last resort, longer words are broken
MARKS = (",", ":", "._/")  # after which a long word, such as the name of an architecture, is broken, best first


def print_report(report: Report, file: TextIO | None = None, width: int | None = None) -> None:
    """Print the report's tables to ``file`` (standard output) as wide as the terminal, or ``width``."""
    from rich.console import Console

    console = Console(file=file or sys.stdout, width=width, highlight=False, force_jupyter=False)
    for i, table in enumerate(report.tables):
        if i:
            console.print()
        _print_table(console, table)


def to_text(report: Report, width: int | None = None) -> str:
    """Return what :func:`print_report` prints."""
    text = io.StringIO()
    print_report(report, text, width)
    return text.getvalue()


def fill(text: str, width: int) -> str:
    """Return ``text`` in lines of at most ``width``, broken between words; words over it after a mark, if they can."""
    lines = [""]
    for word in text.split(" "):
        if len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}" if lines != [""] else word
            continue
        lines += [] if lines == [""] else [""]
        lines[-1] = word
        while len(lines[-1]) > width:
            ends = (max(lines[-1].rfind(mark, 0, width) for mark in marks) + 1 for marks in MARKS)
            end = next((end for end in ends if end), width)
            lines[-1:] = [lines[-1][:end], lines[-1][end:]]
    return "\n".join(lines)


def _print_table(console, table: Table) -> None:  # type: ignore[no-untyped-def]  # rich is not loaded here
    from rich.text import Text

    if table.title:
        console.print(Text(table.title, style="bold"))
    if table.columns:
        _print_grid(console, table)
    for note in table.notes:
        console.print(Text(fill(note, console.width), style="dim"))


def _print_grid(console, table: Table) -> None:  # type: ignore[no-untyped-def]
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    columns, cells = _that_fit(table, console.width)
    widths, gap = _layout(columns, cells, console.width)
    grid = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap - 1, 0, 0), show_edge=False)
    for column, width in zip(columns, widths, strict=True):
        grid.add_column(Text(column.heading), justify=column.align, overflow="fold", width=width)
    last = len(cells) - 1
    for i, line in enumerate(cells):
        style = "bold" if table.total and i == last else ""
        folded = map(fill, line, widths)
        texts = [Text(cell, style="red" if "✗" in cell else style) for cell in folded]
        grid.add_row(*texts, end_section=table.total and i == last - 1)
    available = console.width
    console.width = max(available, sum(widths) + gap * (len(widths) - 1))  # never cut a figure off
    console.print(grid)
    console.width = available


def _that_fit(table: Table, available: int) -> tuple[list[Column], list[list[str]]]:
    """Return the columns and their cells, without optional columns unless all fit unwrapped."""
    for columns in (list(table.columns), [column for column in table.columns if not column.optional]):
        cells = [[column.cell(row) for column in columns] for row in table.rows]
        widths = [max(map(len, [column.heading, *_column(cells, i)])) for i, column in enumerate(columns)]
        if sum(widths) + 2 * (len(widths) - 1) <= available:
            break
    return columns, cells


def _layout(columns: Sequence[Column], cells: Sequence[Sequence[str]], available: int) -> tuple[list[int], int]:
    """Return the columns' widths and the gap between them.

    If not all fits, first headings and texts wrap between words, then gaps shrink, then long words are broken; figures
    never are.
    """
    lengths = [[len(line[i]) for line in cells] or [0] for i in range(len(columns))]
    natural = [max(len(column.heading), *length) for column, length in zip(columns, lengths, strict=True)]
    if sum(natural) + 2 * (len(columns) - 1) <= available:
        return natural, 2
    for fold, gap in ((available, 2), (available, 1), *((fold, gap) for fold in FOLDED for gap in (2, 1))):
        least = [
            max(
                _longest_word([column.heading]),
                max(lengths[i]) if column.align == "right" else _longest_word(_column(cells, i), fold),
            )
            for i, column in enumerate(columns)
        ]
        spare = available - sum(least) - gap * (len(columns) - 1)
        if spare >= 0:
            break
    need = [natural[i] - least[i] if column.align == "left" else 0 for i, column in enumerate(columns)]
    if spare > 0 and any(need):  # the words share what is left
        least = [width + min(more, spare * more // sum(need)) for width, more in zip(least, need, strict=True)]
    return least, gap


def _column(cells: Sequence[Sequence[str]], i: int) -> list[str]:
    return [line[i] for line in cells]


def _longest_word(texts: Sequence[str], fold: int = FOLDED[0]) -> int:
    """Return the length of the longest word, at most ``fold``."""
    return max((min(len(word), fold) for text in texts for word in text.split()), default=1)
