"""Report of a store's rows that are damaged."""

from dataclasses import asdict

from lambda_arch.errors import shown
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.store.damage import StoreCheck


def store_report(check: StoreCheck) -> Report:
    """Return what is damaged of a store, one line per row."""
    rows = [asdict(each) for each in check.damaged]
    columns = [Column("table", align="left"), Column("row", align="left"), Column("reason", align="left")]
    counts = ", ".join(f"{count:,} of {table}" for table, count in check.rows.items())
    damaged = sum(1 for each in check.damaged if each.table)
    note = f"{damaged:,} of {sum(check.rows.values()):,} rows are damaged ({counts})."
    notes = [note]
    if check.unknown:
        names = ", ".join(f"{number} of {shown(name)}" for name, number in check.unknown.items())
        notes.append(f"Measurements of unknown architectures, whose extension is not registered: {names}.")
    title = f"Damaged rows of {check.path}" if rows else f"{check.path}: nothing is damaged"
    data = {"path": check.path, "rows": check.rows, "damaged": rows, "unknown": check.unknown}
    return Report([Table(columns, rows, title, notes)], Table(columns, rows), data)
