"""Reports of modules that are not ours, beside named architectures: two counters side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambda_arch.costs import Ledger
from lambda_arch.reporting.ledgers import ARCHITECTURE, FLOPS, FVCORE, IMAGE_SIZE, MACS, PARAMS
from lambda_arch.reporting.table import Column, Report, Table, billions, millions, percent

if TYPE_CHECKING:
    from lambda_arch.interop.counting import ModuleLedger

INPUT = Column("input", align="left")
BUFFERS = Column("buffers")
BY_FVCORE = Column("fvcore_macs", "MACs (fvcore)")
BY_TORCH = Column("torch_macs", "MACs (torch)")
TOTALS = (ARCHITECTURE, IMAGE_SIZE, INPUT, PARAMS, Column("frozen"), BUFFERS, MACS, FLOPS)
COUNTERS = (BY_FVCORE, BY_TORCH, FVCORE, Column("agree"), Column("missed"))
MODULE = (Column("path", "module", "left"), Column("kind", align="left"))
MOST_DIFFERING = 20
"""How many rows that differ are shown to people; CSV and JSON have all."""


def networks_report(ledgers: "Sequence[Ledger | ModuleLedger]", quantity: str) -> Report:
    """Return one row per network, named or not, and the parts of each; ``quantity`` is ``params`` or ``macs``."""
    flat_columns = TOTALS if quantity == "params" else (*TOTALS, *COUNTERS)
    rows = [ledger.as_dict() for ledger in ledgers]
    flat = Table(flat_columns, rows)
    tables = [_totals(rows, quantity)] if len(ledgers) > 1 else []
    for ledger in ledgers:
        if isinstance(ledger, Ledger):
            continue
        tables.append(_parts(ledger, quantity))
        tables += _differences(ledger)
    return Report(tables, flat, rows if len(rows) > 1 else rows[0])


def module_report(ledger: "ModuleLedger") -> Report:
    """Return the whole ledger of a module: one row per module, the total, and what the counters do not know."""
    columns = [
        *MODULE,
        Column("shape", "output", show=_shape),
        PARAMS,
        Column("buffers", optional=True),
        Column("fvcore_macs", "fvcore MACs (M)", show=millions),
        Column("torch_macs", "torch MACs (M)", show=millions),
        Column("share", "of MACs", show=percent),
    ]
    rows = [{**row._asdict(), "share": _share(ledger, row.torch_macs, row.fvcore_macs)} for row in ledger.rows]
    total = {**ledger.as_dict(), "path": "total", "share": 1.0}
    table = Table(columns, [*rows, total], _title(ledger), _notes(ledger), total=True)
    names = ("path", "kind", "shape", "params", "frozen", "buffers", "fvcore_macs", "torch_macs", "fvcore_flops")
    flat = Table([Column(name) for name in names], rows)
    more = {"zero": ledger.zero, "missed": ledger.missed, "failed": ledger.failed}
    data = {**ledger.as_dict(), "rows": rows, **more}
    return Report([table, *_differences(ledger)], flat, data)


def _totals(rows: Sequence[Mapping[str, Any]], quantity: str) -> Table:
    columns = [
        ARCHITECTURE,
        Column("input", align="left", optional=True),
        Column("params", "params (M)", show=millions),
    ]
    if quantity == "params":
        return Table([*columns, BUFFERS], rows, notes=["Buffers of named architectures are not counted."])
    named = [{**row, "closed_form": None if "agree" in row else row["macs"], "verdict": _verdict(row)} for row in rows]
    columns += [
        Column("closed_form", "MACs (G) closed form", show=billions),
        Column("fvcore_macs", "fvcore", show=billions),
        Column("torch_macs", "torch", show=billions),
        Column("verdict", "counters"),
    ]
    return Table(columns, named)


def _parts(ledger: "ModuleLedger", quantity: str) -> Table:
    columns = [Column("part", "", "left"), PARAMS, BUFFERS]
    parts = ledger.by_part()
    rows: list[dict[str, Any]] = [{**of.as_dict(), "part": part} for part, of in parts.items()]
    rows.append({**ledger.as_dict(), "part": "total"})
    if quantity == "params":
        for row in rows:
            row["share"] = row["params"] / ledger.params if ledger.params else None
        return Table([*columns, Column("share", show=percent)], rows, _title(ledger), _frozen(ledger), total=True)
    for row in rows:
        row["share"] = _share(ledger, row["torch_macs"], row["fvcore_macs"])
    columns = [columns[0], PARAMS, BY_FVCORE, BY_TORCH, Column("flops", "FLOPs", optional=True)]
    columns.append(Column("share", show=percent))
    return Table(columns, rows, _title(ledger), ["FLOPs = 2 x MACs.", *_notes(ledger)], total=True)


def _differences(ledger: "ModuleLedger") -> list[Table]:
    """Return the rows on which the counters disagree, and the operations that they do not know."""
    tables = []
    if ledger.differing:
        rows = [row._asdict() for row in ledger.differing[:MOST_DIFFERING]]
        more = len(ledger.differing) - len(rows)
        notes = [f"and {more} more rows: see `lambda-arch show` in CSV."] if more else []
        title = f"The counters differ in {len(ledger.differing)} of {len(ledger.rows)} rows"
        tables.append(Table([*MODULE, BY_FVCORE, BY_TORCH], rows, title, notes))
    names = dict.fromkeys(name for of in ledger.zero.values() for name in of)
    if names:
        zero = [{"operation": name, **{counter: of.get(name) for counter, of in ledger.zero.items()}} for name in names]
        columns = [
            Column("operation", align="left"),
            *(Column(counter, f"{counter}, times") for counter in ledger.zero),
        ]
        tables.append(Table(columns, zero, "Operations that a counter does not know: they count as zero"))
    return tables


def _notes(ledger: "ModuleLedger") -> list[str]:
    notes = [f"{counter} could not count it: {why}" for counter, why in ledger.failed.items()]
    if ledger.agree:
        notes.append(f"fvcore and torch agree in all {len(ledger.rows)} rows.")
    for counter, operations in ledger.missed.items():
        names = ", ".join(f"{name} ({times} times)" for name, times in operations.items())
        notes.append(f"! {counter}'s total is too low: it counts nothing for {names}; handler_of registers a formula.")
    return [*notes, *_frozen(ledger)]


def _frozen(ledger: "ModuleLedger") -> list[str]:
    return [f"{ledger.frozen:,} scalars of parameters are frozen: they are not in params."] if ledger.frozen else []


def _share(ledger: "ModuleLedger", torch_macs: int | None, fvcore_macs: int | None) -> float | None:
    own = fvcore_macs if ledger.torch_macs is None else torch_macs
    return own / ledger.macs if own is not None and ledger.macs else None


def _title(ledger: "ModuleLedger") -> str:
    return f"{ledger.architecture.rpartition('@')[0] or ledger.architecture} on {ledger.inputs}"


def _shape(shape: tuple[int, ...] | None) -> str:
    return "x".join(map(str, shape)) if shape else ""


def _verdict(row: Mapping[str, Any]) -> str:
    """Return whether two counters agree, and know every product; nothing for a named architecture."""
    if row.get("agree") is None:
        return ""
    return "✗ differ" if not row["agree"] else "✗ too low" if row["missed"] else "✓ agree"
