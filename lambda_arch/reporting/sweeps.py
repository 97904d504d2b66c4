"""A report of a sweep: a column for every swept option, after the architecture."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lambda_arch.reporting.table import Column, Report, Table


def swept_report(report: Report, swept: Mapping[str, Mapping[str, str]]) -> Report:
    """Return ``report`` with the values of the swept options, by the name of the architecture of each row."""
    if not swept:
        return report
    names = list(dict.fromkeys(name for values in swept.values() for name in values))

    def rows(given: Any) -> list[dict[str, Any]]:
        return [
            {**dict.fromkeys(names), **row, **_values(swept.get(str(row.get("architecture")), {}))} for row in given
        ]

    def widened(table: Table) -> Table:
        if all(column.name != "architecture" for column in table.columns):
            return table
        columns: list[Column] = []
        for column in table.columns:
            if column.name not in names:
                columns.append(column)
            if column.name == "architecture":
                columns += [Column(name) for name in names]
        return replace(table, columns=columns, rows=rows(table.rows))

    is_listed = isinstance(report.data, list) and all("architecture" in row for row in report.data)
    data = rows(report.data) if is_listed else report.data
    return Report([widened(table) for table in report.tables], widened(report.flat), data)


def _values(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: _number(text) for name, text in values.items()}


def _number(text: str) -> int | float | str | None:
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
