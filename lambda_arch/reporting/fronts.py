"""Reports of fronts: their members, how they were found, and published architectures for comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lambda_arch.reporting.member_latencies import (
    Ranges,
    doubts_of,
    latency_lines,
    range_cells,
    range_columns,
    ranges_of,
)
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.searching.enumeration import approximately
from lambda_arch.searching.front import Front
from lambda_arch.searching.highlights import Placed, best, knee, place_published, spread
from lambda_arch.searching.linear_model import Predictor
from lambda_arch.searching.metrics import Metric
from lambda_arch.searching.part_costs import COUNTED
from lambda_arch.searching.table_front import TableFront

ON_TERMINAL, IN_FILES = 20, 1000  # members that are shown
PLACED = 8  # published architectures that a person is shown
EXTRAPOLATED = "top1 of rows marked * is extrapolated beyond what the runs have: "


@dataclass(frozen=True)
class ShownFront:
    """A front, the members of it to show, and their values, computed once for all formats and plots.

    ``intervals`` are those of predicted accuracies, with the ``reasons`` to distrust them; ``ranges`` those of
    latencies and throughputs, with ``doubts`` about their measurements.
    """

    front: Front
    members: tuple[int, ...]
    names: tuple[str, ...]
    values: tuple[dict[str, float], ...]
    intervals: tuple[float | None, ...]
    reasons: tuple[tuple[str, ...], ...]
    ranges: tuple[Ranges, ...]
    doubts: tuple[str, ...]
    placed: tuple[Placed, ...]

    @property
    def marks(self) -> list[str]:
        """The marks ``best`` and ``knee`` of the members; the others have an empty text."""
        if not self.members:
            return []
        marked = (("best", best(self.front)), ("knee", knee(self.front)))
        return [", ".join(mark for mark, member in marked if member == i) for i in self.members]


def shown_front(front: Front, members: Sequence[int]) -> ShownFront:
    """Return ``members`` of a front with the values to show."""
    architectures = [front.architecture(i) for i in members]
    model = _model(front)
    predictions = [None if model is None else model.predict(architecture) for architecture in architectures]
    return ShownFront(
        front,
        tuple(members),
        tuple(map(str, architectures)),
        tuple(front.values(i) for i in members),
        tuple(None if prediction is None else prediction.interval for prediction in predictions),
        tuple(() if prediction is None else prediction.extrapolated for prediction in predictions),
        tuple(ranges_of(front, architecture) for architecture in architectures),
        tuple(doubts_of(front, architecture) for architecture in architectures),
        tuple(place_published(front)),
    )


def result_report(front: Front) -> Report:
    """Return a front with few members for people, and with many in the flat table and the data."""
    for_person, for_file = (shown_front(front, spread(front, number)) for number in (ON_TERMINAL, IN_FILES))
    return Report(front_report(for_person).tables, _flat(for_file), _data(for_file))


def front_report(shown: ShownFront) -> Report:
    """Return a front, one row per member; for people also how it was found, and published architectures."""
    tables = [_members(shown)]
    if shown.placed and shown.members:
        tables.append(_published(shown))
    return Report(tables, _flat(shown), _data(shown))


def summary(front: Front) -> list[str]:
    """Return lines that say how a front was found, and how exact it is."""
    problem = front.problem
    where = f"where {', '.join(map(str, problem.constraints))}; " if problem.constraints else ""
    lines = [f"{where}engine {front.engine}: {front.how}; {_guarantee(front)}"]
    lines += latency_lines(front)
    model = _model(front)
    if model is not None:
        recipes = dict.fromkeys(map(model.recipe, problem.space.stems))
        lines.append(f"{model.describe()}; for networks trained as in {', '.join(recipes)}")
    return lines


def _guarantee(front: Front) -> str:
    if front.engine == "evolutionary":
        return "better ones may exist"
    if front.is_exact:
        return "the front is exact"
    if not len(front):
        return "thinned near the bounds: what keeps them may have been dropped"
    shares = front.relative_error()
    if front.share is not None:
        worse = ", ".join(
            f"{share:.2%} in {metric.label}" for metric, share in zip(front.problem.objectives, shares, strict=True)
        )
        spare = " (that keeps the bounds with as much to spare)" if front.problem.constraints else ""
        return f"every architecture{spare} has a member that is worse by at most {worse}"
    errors = [
        f"{metric.label} {metric.show_with_unit(float(error))} ({share:.2%} of the least)"
        for metric, error, share in zip(front.problem.objectives, front.error, shares, strict=True)
    ]
    return f"thinned: every architecture has a member worse by at most {', '.join(errors)}"


def _predicts(front: Front) -> bool:
    return any(metric.name == "top1" for metric in front.problem.costs.metrics)


def _model(front: Front) -> Predictor | None:
    """Return what predicts accuracies, if the search asked for any."""
    model = front.problem.costs.accuracy
    return model if _predicts(front) and isinstance(model, Predictor) else None


def _members(shown: ShownFront) -> Table:
    front = shown.front
    metrics = front.problem.costs.metrics
    rows = [
        {
            "number": number,
            "architecture": name,
            "mark": mark,
            **{metric.name: _cell(metric, values, interval, reasons, ranges) for metric in metrics},
        }
        for number, (name, mark, values, interval, reasons, ranges) in enumerate(
            zip(shown.names, shown.marks, shown.values, shown.intervals, shown.reasons, shown.ranges, strict=True), 1
        )
    ]
    columns = [Column("number", "#"), *(_column(metric) for metric in metrics)]
    columns += [Column("mark", " ", "left"), Column("architecture", align="left")]
    of_all = "" if len(shown.members) == len(front) else f" of {len(front):,}"
    number = f"{len(shown.members)}{of_all} member{'' if len(front) == 1 else 's'}"
    if not shown.members:
        columns, number = [], "no member"
    title = f"The front of {front.problem.space.name}: {number}"
    return Table(columns, rows, title, _notes(shown))


def _notes(shown: ShownFront) -> list[str]:
    front = shown.front
    notes = summary(front)
    if not shown.members:
        return [*notes, "nothing in the space keeps the bounds"]
    reasons = list(dict.fromkeys(reason for each in shown.reasons for reason in each))
    if reasons:
        more = f" and {len(reasons) - 6} more" if len(reasons) > 6 else ""
        notes.append(f"{EXTRAPOLATED}{', '.join(reasons[:6])}{more}")
    where = f" under {', '.join(map(str, front.problem.constraints))}" if front.problem.constraints else ""
    for what, member in (("best", best(front)), ("knee", knee(front))):
        values = front.values(member)
        figures = ", ".join(_figure(metric, values[metric.name]) for metric in front.problem.costs.metrics)
        notes.append(f"{what}{where}: {front.architecture(member)} ({figures})")
    return notes


def _figure(metric: Metric, value: float) -> str:
    predicted = "predicted " if metric.name == "top1" else ""
    return f"{predicted}{metric.label} {metric.show_with_unit(value)}"


def _column(metric: Metric) -> Column:
    return Column(metric.name, "predicted top-1 (%)" if metric.name == "top1" else metric.heading)


def _cell(
    metric: Metric, values: dict[str, float], interval: float | None, reasons: tuple[str, ...], ranges: Ranges
) -> str:
    text = metric.show(values[metric.name])
    if metric.name in ranges:
        return f"{text} ({'-'.join(map(metric.show, ranges[metric.name]))})"
    if metric.name != "top1" or interval is None:
        return text
    return f"{text} ± {interval:.2f}{'*' if reasons else ' '}"


def _published(shown: ShownFront) -> Table:
    front = shown.front
    metrics = front.problem.costs.metrics
    rows = []
    for placed in shown.placed[:PLACED]:
        values = front.problem.read(placed.totals)
        rows.append(
            {
                **{metric.name: metric.show(values[metric.name]) for metric in metrics},
                "printed": f"{placed.top1:.1f}",
                "recipe": placed.recipe,
                "architecture": str(placed.architecture),
                "status": _short_status(shown, placed),
            }
        )
    columns = [_column(metric) for metric in metrics]
    columns += [Column("printed", "printed top-1 (%)"), Column("recipe", "trained in", "left", optional=True)]
    columns += [Column("architecture", align="left"), Column("status", "compared with the front", "left")]
    dominated = sum(placed.by is not None for placed in shown.placed)
    notes = [f"{dominated} of {len(shown.placed)} published architectures of this stem within the bounds are dominated"]
    return Table(columns, rows, "Published architectures, compared with the front", notes)


def _short_status(shown: ShownFront, placed: Placed) -> str:
    """Return :func:`_status`, with the number of a dominating row if one is shown."""
    width = len(shown.front.problem.objectives)
    if placed.by is not None:
        points = shown.front.points[list(shown.members)]
        above = (points <= placed.totals[:width]).all(axis=1) & (points < placed.totals[:width]).any(axis=1)
        if above.any():
            return f"dominated by #{int(above.argmax()) + 1}"
    return _status(shown.front, placed)


def _status(front: Front, placed: Placed) -> str:
    if placed.by is not None:
        return f"dominated by {front.architecture(placed.by)}"
    return "on the front" if placed.member is not None else "not dominated"


def _raw(metric: Metric, value: float) -> float | int:
    """Return a figure for a file: counts as whole numbers, predictions rounded."""
    if metric.name in COUNTED:
        return int(value)
    return round(value, 4) if metric.name == "top1" else value


def _rows(shown: ShownFront) -> list[dict[str, Any]]:
    metrics = shown.front.problem.costs.metrics
    rows = []
    for name, mark, values, interval, reasons, ranges, doubts in zip(
        shown.names,
        shown.marks,
        shown.values,
        shown.intervals,
        shown.reasons,
        shown.ranges,
        shown.doubts,
        strict=True,
    ):
        row: dict[str, Any] = {"architecture": name}
        row |= {_key(metric): _raw(metric, values[metric.name]) for metric in metrics}
        if interval is not None:
            row |= {"top1_interval": round(interval, 4), "extrapolated": " ".join(reasons)}
        rows.append({**row, **range_cells(shown.front, ranges, doubts), "mark": mark})
    return rows


def _key(metric: Metric) -> str:
    return "top1_predicted" if metric.name == "top1" else metric.name


def _flat(shown: ShownFront) -> Table:
    names = ["architecture", *(_key(metric) for metric in shown.front.problem.costs.metrics)]
    names += ["top1_interval", "extrapolated"] if _predicts(shown.front) else []
    names += range_columns(shown.front)
    return Table([Column(name) for name in [*names, "mark"]], _rows(shown))


def _data(shown: ShownFront) -> dict[str, Any]:
    front = shown.front
    problem = front.problem
    model = _model(front)
    published = [
        {
            "architecture": str(placed.architecture),
            "recipe": placed.recipe,
            "top1_printed": placed.top1,
            **{
                _key(metric): _raw(metric, problem.read(placed.totals)[metric.name]) for metric in problem.costs.metrics
            },
            "status": _status(front, placed),
        }
        for placed in shown.placed
    ]
    return {
        "space": problem.space.name,
        "size": approximately(problem.space.size),
        "engine": front.engine,
        "found": front.how,
        "exact": front.is_exact,
        "error": {
            metric.name: float(error) if len(front) else None
            for metric, error in zip(problem.objectives, front.error, strict=True)
        },
        "relative_error": {
            metric.name: float(share) for metric, share in zip(problem.objectives, front.relative_error(), strict=True)
        },
        "objectives": {metric.name: metric.better for metric in problem.objectives},
        "where": [str(constraint) for constraint in problem.constraints],
        "accuracy": None
        if model is None
        else {"model": model.describe(), "left_out_rmse": model.left_out_rmse, "runs": len(model.runs)},
        "latency": latency_lines(front),
        "front_members": len(front),
        "members": _rows(shown),
        "published": published,
    }


def table_report(found: TableFront) -> Report:
    """Return the front of a user's table: its rows as they are, and how many other rows each dominates.

    For people the first of very many.
    """
    dominates = np.bincount(found.by[found.by >= 0], minlength=len(found.rows))
    names = [metric.name for metric in found.objectives]
    rest = [column for column in found.columns if column not in names]
    members = [found.row(i) for i in found.members]
    shown = members[:IN_FILES]
    rows = [{**row, "dominates": int(dominates[i])} for row, i in zip(shown, found.members, strict=False)]
    columns = [Column(name, show=str) for name in names]
    columns += [Column("dominates"), *(Column(name, align="left", show=str) for name in rest)]
    goals = ", ".join(f"{'least' if metric.better == 'min' else 'most'} {metric.name}" for metric in found.objectives)
    title = f"The front: {len(members)} of {len(found.rows)} rows"
    notes = [goals]
    if len(shown) < len(members):
        notes.append(f"the first {len(shown):,} of {len(members):,} are shown; CSV and JSON have all")
    if found.skipped:
        have = "row has" if found.skipped == 1 else "rows have"
        notes.append(f"{found.skipped} {have} no number for an objective, left out")
    return Report(
        [Table(columns, rows, title, notes)], Table([Column(name) for name in found.columns], members), members
    )
