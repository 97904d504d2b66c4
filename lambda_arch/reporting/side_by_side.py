"""Report of architectures side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from lambda_arch.comparing.sides import Cost, SideBySide
from lambda_arch.reporting.table import Column, Report, Table, as_text

MARK = "≠"
QUANTITIES = {"params": "params", "macs": "MACs"}
ABREAST = 2
"""How many architectures have parameters and MACs in one table; with more it would be too wide for most terminals."""


def side_by_side_report(compared: SideBySide) -> Report:
    """Return the architectures, their costs, those by stage, and those of the modules that differ."""
    letters = [chr(ord("A") + i) if i < 26 else str(i + 1) for i in range(len(compared.architectures))]
    named = [{"letter": letter, "name": name} for letter, name in zip(letters, compared.architectures, strict=True)]
    tables = [Table([Column("letter", align="left"), Column("name", "architecture", align="left")], named)]
    columns = [*(Column(letter) for letter in letters), Column("mark", MARK, "left")]
    rows = [{"cost": _heading(cost), **_cells(letters, cost)} for cost in compared.of("network")]
    tables.append(Table([Column("cost", align="left"), *columns], rows, "Networks"))
    tables += _places("Stages", "stage", letters, compared.of("stage"))
    modules = compared.of("module")
    changed = {cost.place for cost in modules if cost.differs}
    same = len({cost.place for cost in modules}) - len(changed)
    note = f"{same} modules have the same parameters and MACs in all; CSV and JSON have them too."
    shown = [cost for cost in modules if cost.place in changed]
    tables += _places("Modules that differ", "module", letters, shown)
    tables[-1] = replace(tables[-1], notes=[note])
    flat = [_flat(compared, cost) for cost in compared.costs]
    names = ["level", "place", "quantity", "unit", "note", *compared.architectures, "differs"]
    return Report(tables, Table([Column(name) for name in names], flat), flat)


def _places(title: str, place: str, letters: Sequence[str], costs: Iterable[Cost]) -> list[Table]:
    rows: dict[str, dict[str, Any]] = {}
    for cost in costs:
        row = rows.setdefault(cost.place, {"place": cost.place})
        row |= {f"{cost.quantity}_{letter}": value for letter, value in zip(letters, cost.values, strict=True)}
        row[cost.quantity] = _mark(cost)
        row["mark"] = row.get("mark") or _mark(cost)
    first = Column("place", place, "left")
    columns = {name: [Column(f"{name}_{x}", f"{label} {x}") for x in letters] for name, label in QUANTITIES.items()}
    if len(letters) <= ABREAST:
        both = [column for name in QUANTITIES for column in columns[name]]
        return [Table([first, *both, Column("mark", MARK, "left")], list(rows.values()), title)]
    return [
        Table([first, *columns[name], Column(name, MARK, "left")], list(rows.values()), f"{title}: {label}")
        for name, label in QUANTITIES.items()
    ]


def _heading(cost: Cost) -> str:
    if cost.quantity == "latency":
        return f"latency (ms): {cost.note}"
    return {"params": "params", "macs": "MACs", "peak_memory": "peak activations (MiB, 1 image)"}[cost.quantity]


def _cells(letters: Sequence[str], cost: Cost) -> dict[str, Any]:
    values = (_shown(value, cost.unit) for value in cost.values)
    return {**dict(zip(letters, values, strict=True)), "mark": _mark(cost)}


def _shown(value: float | int | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "bytes":
        return f"{value / 2**20:.2f}"
    return f"{1e3 * value:,.2f}" if unit == "s" else as_text(value)


def _mark(cost: Cost) -> str:
    return MARK if cost.differs else ""


def _flat(compared: SideBySide, cost: Cost) -> dict[str, Any]:
    return {
        "level": cost.level,
        "place": cost.place,
        "quantity": cost.quantity,
        "unit": cost.unit or None,
        "note": cost.note or None,
        **dict(zip(compared.architectures, cost.values, strict=True)),
        "differs": cost.differs,
    }
