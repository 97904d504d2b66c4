"""Plots of published tables: printed accuracies over printed costs and over ours."""

from lambda_arch.comparing import Comparison, Comparisons
from lambda_arch.comparing.verdict import in_unit
from lambda_arch.errors import DataError
from lambda_arch.published import Column
from lambda_arch.reporting.plots.plot import COLOURS, SYMBOLS, Plot, Series

COSTS = ("params", "macs")


def comparison_plot(comparison: Comparison | Comparisons) -> Plot:
    """Return printed top-1 accuracies over the printed costs, and over ours, as two series per table.

    Raises :class:`DataError` for tables without accuracies.
    """
    tables = list(comparison) if isinstance(comparison, Comparisons) else [comparison]
    columns = {each.table.name: _cost_column(each) for each in tables}
    shown = [each for each in tables if columns[each.table.name] and _accuracy(each)]
    if not shown and len(tables) == 1 and _accuracy(tables[0]):
        return _over_our_macs(tables[0])
    if not shown:
        names = ", ".join(each.table.name for each in tables)
        raise DataError(f"plot: {names}: no printed top-1; expected a table such as hybrid_stages")
    quantity = (columns[shown[0].table.name] or ("", None))[0]
    series = []
    for number, each in enumerate(shown):
        found = columns[each.table.name]
        if found and found[1] and found[0] == quantity:
            series += _series(each, found[1], number)
    heading = "parameters (M), our count" if quantity == "params" else "MACs (G), our count"
    title = shown[0].table.title if len(shown) == 1 else "Printed accuracies over costs"
    return Plot(title, (), (heading, "top-1 (%), as printed"), 0, 1, tuple(series))


def _over_our_macs(comparison: Comparison) -> Plot:
    """Return the printed accuracies of a table that prints no costs, over our count, a series per first key."""
    accuracy, key = _accuracy(comparison), comparison.table.keys[0]
    groups: dict[str, list[tuple[tuple[float, float], str, str]]] = {}
    for row in comparison.rows:
        printed, name = row.published.cells.get(accuracy, ""), row.published.architecture
        if row.ledger is not None and printed not in ("", "OOM") and name:
            text = f"{name}\nprinted {printed} %; ours {row.ledger.macs:,} MACs"
            point = (row.ledger.macs / 1e9, float(printed))
            groups.setdefault(row.published.cells[key], []).append((point, name, text))
    series = []
    for i, (family, points) in enumerate(groups.items()):
        values, names, texts = zip(*points, strict=True)
        series.append(Series(family, SYMBOLS[i % 5], values, names, texts))
    return Plot(comparison.table.title, (), ("MACs (G), our count", "top-1 (%), as printed"), 0, 1, tuple(series))


def _series(comparison: Comparison, column: Column, number: int) -> list[Series]:
    accuracy = _accuracy(comparison)
    unit = "M" if column.quantity == "params" else "G"
    ours, theirs = [], []
    for row in comparison.rows:
        verdict = row.verdicts.get(column.name)
        printed, name = row.published.cells.get(accuracy, ""), row.published.architecture
        if verdict is None or verdict.ours is None or not printed or not name:
            continue
        x = float(in_unit(verdict.ours, unit))
        x_printed = (
            x if verdict.difference is None else x - float(verdict.difference) * SCALES[column.unit] / SCALES[unit]
        )
        text = f"{name}\nprinted {verdict.printed} {column.unit}, {printed} %; {verdict.verdict}"
        ours.append(((x, float(printed)), name, f"{text}; ours {verdict.ours:,}"))
        if verdict.difference is not None:
            theirs.append(((x_printed, float(printed)), name, text))
    name = comparison.table.name
    symbol = SYMBOLS[number // len(COLOURS) % 5]
    kinds = ((name, symbol, ours), (f"{name}, as printed", "x", theirs))
    return [
        Series(
            label,
            symbol,
            tuple(values for values, _, _ in points),
            tuple(name for _, name, _ in points),
            tuple(text for _, _, text in points),
            colour=number,
        )
        for label, symbol, points in kinds
        if points
    ]


SCALES = {"": 1e-6, "K": 1e-3, "M": 1.0, "G": 1e3, "B": 1e3}


def _cost_column(comparison: Comparison) -> tuple[str, Column] | None:
    for quantity in COSTS:
        for column in comparison.table.columns:
            if column.quantity == quantity:
                return quantity, column
    return None


def _accuracy(comparison: Comparison) -> str:
    return next((column.name for column in comparison.table.columns if column.quantity == "top-1"), "")
