"""A report as text for programs, papers and notebooks: CSV, JSON, Markdown, LaTeX, HTML."""

import csv
import html
import io
import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any

from lambda_arch.reporting.table import Report, Table


def to_csv(report: Report) -> str:
    """Return the flat table as CSV, with unrounded numbers and empty cells for missing values."""
    return csv_text(report.flat)


def csv_text(table: Table) -> str:
    """Return ``table`` as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    names = [column.name for column in table.columns]
    writer.writerows([_plain(row.get(name)) for name in names] for row in table.rows)
    return out.getvalue()


def to_json(report: Report) -> str:
    """Return the report's data as indented JSON."""
    data = report.data if report.data is not None else [dict(row) for row in report.flat.rows]
    return json.dumps(_numbers(data), indent=2, ensure_ascii=False, default=str) + "\n"


def _numbers(data: Any) -> Any:
    """Return ``data`` with decimals as numbers, and with None for numbers that JSON has no word for."""
    if isinstance(data, Decimal):
        data = int(data) if data.is_finite() and data.as_tuple().exponent == 0 else float(data)
    if isinstance(data, Real) and not isinstance(data, int) and not isfinite(data):
        return None
    if isinstance(data, Mapping):
        return {key: _numbers(value) for key, value in data.items()}
    return [_numbers(value) for value in data] if isinstance(data, (list, tuple)) else data


def to_markdown(report: Report) -> str:
    """Return the report's tables as GitHub Markdown."""
    return "\n".join(_markdown(table) for table in report.tables)


def _markdown(table: Table) -> str:
    lines = [f"**{table.title}**", ""] if table.title else []
    if table.columns:
        lines += _markdown_grid(table)
    lines += [line for note in table.notes for line in ("", note)]
    return "\n".join(lines) + "\n"


def _markdown_grid(table: Table) -> list[str]:
    lines = ["| " + " | ".join(_escape_markdown(column.heading) for column in table.columns) + " |"]
    lines.append("|" + "|".join("---:" if column.align == "right" else ":---" for column in table.columns) + "|")
    for row in table.rows:
        cells = (_escape_markdown(column.cell(row)) for column in table.columns)
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def to_latex(report: Report) -> str:
    """Return the report's tables as LaTeX tabulars, which need the booktabs package."""
    return "\n".join(_latex(table) for table in report.tables)


def _latex(table: Table) -> str:
    lines = [f"% {table.title}"] if table.title else []
    if table.columns:
        lines += _latex_grid(table)
    lines += [f"% {note}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _latex_grid(table: Table) -> list[str]:
    lines = [r"\begin{tabular}{" + "".join(column.align[0] for column in table.columns) + "}", r"\toprule"]
    lines.append(" & ".join(_escape_latex(column.heading) for column in table.columns) + r" \\")
    lines.append(r"\midrule")
    for i, row in enumerate(table.rows):
        if table.total and i == len(table.rows) - 1:
            lines.append(r"\midrule")
        lines.append(" & ".join(_escape_latex(column.cell(row)) for column in table.columns) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def to_html(report: Report) -> str:
    """Return the report's tables as HTML, without the page around them."""
    return "\n".join(_html(table) for table in report.tables)


def _html(table: Table) -> str:
    def line(cells: Iterable[str], tag: str = "td") -> str:
        styled = zip(cells, table.columns, strict=True)
        return "".join(f'<{tag} style="text-align:{c.align}">{html.escape(cell)}</{tag}>' for cell, c in styled)

    rows = [line(column.cell(row) for column in table.columns) for row in table.rows]
    if table.total:
        rows[-1] = rows[-1].replace("<td", "<th").replace("</td", "</th")
    lines = ["<table>", f"<caption>{html.escape(table.title)}</caption>"] if table.title else ["<table>"]
    lines.append(f"<thead><tr>{line((column.heading for column in table.columns), 'th')}</tr></thead>")
    lines += ["<tbody>", *(f"<tr>{row}</tr>" for row in rows), "</tbody>", "</table>"]
    return "\n".join([*lines, *(f"<p>{html.escape(note)}</p>" for note in table.notes)]) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "csv": to_csv,
    "json": to_json,
    "md": to_markdown,
    "latex": to_latex,
}
"""Every format except the console's, by its name on the command line."""

_LATEX = str.maketrans(
    {
        **{c: f"\\{c}" for c in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "✓": r"$\checkmark$",
        "✗": r"$\times$",
        "λ": r"$\lambda$",
        "×": r"$\times$",
        "−": "$-$",
        "±": r"$\pm$",
    }
)


def _escape_latex(text: str) -> str:
    return text.translate(_LATEX)


def _escape_markdown(text: str) -> str:
    return text.replace("|", "\\|")


def _plain(value: Any) -> Any:
    if type(value) is str:  # of a large table the most
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return "" if value is None else value
