"""The catalogue as a report, and the verb that gives tables as pandas frames."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambda_arch.comparing import LongComparisons, compare
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.searching.catalogue import LATENCY, TRAINED, Catalogue, catalogue
from lambda_arch.timing.arguments import StoreLike, opened

if TYPE_CHECKING:
    import pandas

SHOWN = {"params": 1e6, "macs": 1e9, "top1_published": 1.0, "top1_predicted": 1.0}
HEADINGS = ("params (M)", "MACs (G)", "published top-1", "predicted")


def catalogue_report(found: Catalogue) -> Report:
    """Return everything in the flat table, and for people the costs and accuracies."""
    columns = [
        Column("architecture", align="left"),
        *(
            Column(name, heading, show=_scaled(factor))
            for (name, factor), heading in zip(SHOWN.items(), HEADINGS, strict=True)
        ),
        Column("trained", "trained here", align="left"),
        Column("latencies", optional=True),
    ]
    rows = [{**row, "trained": _trained(row), "latencies": _latencies(row)} for row in found]
    notes = [
        "Accuracies in percent; latencies: how many setups were measured. All columns, with settings, memory and "
        "latencies, are in CSV, JSON and Parquet, where shipped names those that come with the package."
    ]
    flat = Table([Column(name) for name in found.columns()], list(found))
    return Report([Table(columns, rows, f"{len(rows)} architectures", notes)], flat, list(found))


def _trained(row: Mapping[str, Any]) -> str:
    """Return every accuracy trained with its data set."""
    found = [(name.removeprefix(f"{TRAINED}[").partition(", recipe ")[0], row[name]) for name in row if TRAINED in name]
    return ", ".join(f"{top1:.2f} {data}" for data, top1 in found)


def _latencies(row: Mapping[str, Any]) -> int | None:
    """Return in how many setups it was measured."""
    return sum(name.startswith(LATENCY) for name in row) or None


def _scaled(factor: float) -> Any:
    return lambda value: "" if value is None else f"{value / factor:,.2f}"


def table(
    name: str | None = None, *, long: bool = False, store: StoreLike = None, shipped: bool = True
) -> "pandas.DataFrame":
    """Return a table as a pandas frame with whole numbers as ``Int64``.

    - without a ``name``: one row per architecture with everything known (:mod:`lambda_arch.searching.catalogue`):
      exact costs, memory in bytes, latencies in milliseconds and accuracies in percent, measured ones from ``store``
      (by default the user's own) and, unless ``shipped`` is False, those that come with the package
    - a published table by its name, ours in columns of its own
    - with ``long``: one row per printed figure, of that table or of all

    Raises :class:`LambdaArchError` for a name that is no table's, and :class:`StoreError` for a file that is no store.
    """
    if long:
        return LongComparisons(compare(None if name is None else [name]).items).to_frame()
    if name is not None:
        return compare(name).to_frame()
    with opened(store) as kept:
        return catalogue(kept, shipped=shipped).to_frame()
