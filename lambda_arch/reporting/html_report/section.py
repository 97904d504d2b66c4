"""A section of the report, and the HTML elements that sections are made of."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lambda_arch.reporting.plots.page import data_table, plot_element
from lambda_arch.reporting.plots.plot import AnyPlot
from lambda_arch.reporting.table import Report, Table

MOST_OPEN = 12
"""Rows of a table that is shown unfolded."""


@dataclass(frozen=True)
class Section:
    """A section: ``name`` identifies it in links, ``body`` is HTML. Without data, ``body`` names the command to run."""

    name: str
    title: str
    body: str


def missing(what: str, command: str) -> str:
    """Return the body of a section without data: the command that makes it."""
    return f'<p class="missing">{html.escape(what)} {copy_button(command, f"<code>{html.escape(command)}</code>")}</p>'


def copy_button(text: str, inner: str, tip: str = "", kind: str = "copy") -> str:
    """Return a button that copies ``text``; ``inner`` is HTML, ``tip`` is shown while the button has the pointer."""
    tip_text = html.escape(tip or f"Copy: {text}")
    return (
        f'<button type="button" class="{kind}" data-copy="{html.escape(text)}" data-tip="{tip_text}" '
        f'aria-label="{tip_text}">{inner}</button>'
    )


def paragraphs(texts: Sequence[str]) -> str:
    """Return each text as a paragraph."""
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def drawn(plot: AnyPlot, title: bool = True) -> str:
    """Return a plot with its notes, and its data in a folded table."""
    heading = f"<h3>{html.escape(plot.title)}</h3>" if title else ""
    data = f"<details><summary>The data of the plot</summary>{data_table(plot)}</details>"
    return f"{heading}{paragraphs(plot.notes)}{plot_element(plot)}{data}"


def tables(report: Report) -> str:
    """Return all tables of a report."""
    return "\n".join(table_element(table) for table in report.tables)


def table_element(table: Table, fold: bool | None = None) -> str:
    """Return a table that can be sorted and filtered; a long one is folded unless ``fold`` says otherwise."""
    folded = len(table.rows) > MOST_OPEN if fold is None else fold
    heads = "".join(
        f'<th scope="col" class="{column.align}"><button type="button">{html.escape(column.heading)}</button></th>'
        for column in table.columns
    )
    body = []
    for number, row in enumerate(table.rows):
        tag = "tr class='total'" if table.total and number == len(table.rows) - 1 else "tr"
        cells = "".join(
            f'<td class="{column.align}"{_sort_key(row.get(column.name))}>{html.escape(column.cell(row))}</td>'
            for column in table.columns
        )
        body.append(f"<{tag}>{cells}</tr>")
    title = html.escape(table.title)
    element = (
        f'<div class="filter"><label>Filter <input type="search" placeholder="text in a row"></label></div>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title or "table"}"><table class="sortable">'
        f"<caption>{title}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        f'<div class="notes">{paragraphs(table.notes)}</div>'
    )
    if not folded:
        return f'<div class="sorted">{element}</div>'
    return f'<details class="sorted"><summary>{title or "Table"}: {len(table.rows)} rows</summary>{element}</details>'


def _sort_key(value: Any) -> str:
    number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return f' data-key="{float(value)!r}"' if number else ""
