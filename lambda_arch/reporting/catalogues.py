"""The catalogue as a report, and the verb that gives tables as pandas frames."""

from typing import TYPE_CHECKING, Any

from lambda_arch.comparing import LongComparisons, compare
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.searching.catalogue import Catalogue, catalogue
from lambda_arch.timing.arguments import StoreLike, opened

if TYPE_CHECKING:
    import pandas

SHOWN = {"params": 1e6, "macs": 1e9, "top1_published": 1.0, "top1_trained": 1.0, "top1_predicted": 1.0}
HEADINGS = ("params (M)", "MACs (G)", "published top-1", "trained here", "predicted")


def catalogue_report(found: Catalogue) -> Report:
    """Return everything in the flat table, and for people the costs and accuracies."""
    columns = [
        Column("architecture", align="left"),
        *(
            Column(name, heading, show=_scaled(factor))
            for (name, factor), heading in zip(SHOWN.items(), HEADINGS, strict=True)
        ),
    ]
    rows = list(found)
    note = "All columns, with settings, memory and latencies, are in CSV, JSON and Parquet. Accuracies in percent."
    flat = Table([Column(name) for name in found.columns()], rows)
    return Report([Table(columns, rows, f"{len(rows)} architectures", [note])], flat, rows)


def _scaled(factor: float) -> Any:
    return lambda value: "" if value is None else f"{value / factor:,.2f}"


def table(name: str | None = None, *, long: bool = False, store: StoreLike = None) -> "pandas.DataFrame":
    """Return a table as a pandas frame with whole numbers as ``Int64``.

    - without a ``name``: one row per architecture with everything known (:mod:`lambda_arch.searching.catalogue`),
      latencies and accuracies of ``store`` (by default the user's own) included
    - a published table by its name, ours in columns of its own
    - with ``long``: one row per printed figure, of that table or of all

    Raises :class:`LambdaArchError` for a name that is no table's.
    """
    if long:
        return LongComparisons(compare(None if name is None else [name]).items).to_frame()
    if name is not None:
        return compare(name).to_frame()
    with opened(store) as kept:
        return catalogue(kept).to_frame()
