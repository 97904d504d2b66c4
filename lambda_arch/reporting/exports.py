"""Export of measurements with their raw samples."""

import json
from collections.abc import Sequence
from pathlib import Path

from lambda_arch.errors import SetupError
from lambda_arch.files import atomic_write
from lambda_arch.reporting.formats import csv_text
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.store.exporting import raw_columns, write_parquet
from lambda_arch.timing.measuring import Timing


def write_flat(path: Path, report: Report) -> None:
    """Write a report's flat table to a .parquet file."""
    names = [column.name for column in report.flat.columns]
    write_parquet(path, [{name: row.get(name) for name in names} for row in report.flat.rows])


def write_timings(path: Path, timings: Sequence[Timing]) -> None:
    """Write measurements with raw samples to a .csv or .parquet file; in CSV the samples are JSON.

    Raises :class:`SetupError` for another suffix.
    """
    rows = [{**timing.as_dict(), **raw_columns(timing.measurement)} for timing in timings]
    if path.suffix == ".parquet":
        write_parquet(path, rows)
    elif path.suffix == ".csv":
        names = list(rows[0]) if rows else ["architecture"]
        flat = [{k: json.dumps(v) if isinstance(v, (list, dict)) else v for k, v in row.items()} for row in rows]
        atomic_write(path, csv_text(Table([Column(name) for name in names], flat)))
    else:
        raise SetupError(f"{path}: expected a name that ends in .csv or .parquet")
