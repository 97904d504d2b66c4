"""The report of an exploration: the front of measured accuracies, and apart from it what is predicted."""

from typing import Any

from lambda_arch.reporting.proposals import proposals_report
from lambda_arch.reporting.table import Column, Report, Table
from lambda_arch.searching.exploration import Exploration
from lambda_arch.searching.part_costs import COUNTED


def exploration_report(exploration: Exploration) -> Report:
    """Return the front of measured accuracies and the next batch; the flat table has every trained network."""
    metrics = exploration.problem.costs.metrics
    members = [exploration.trained[i] for i in exploration.front]
    rows = [
        {
            "number": i,
            **{metric.name: metric.show(each.values[metric.name]) for metric in metrics},
            "runs": each.runs,
            "architecture": each.architecture,
        }
        for i, each in enumerate(members, 1)
    ]
    columns = [Column("number", "#")]
    columns += [Column(m.name, "measured top-1 (%)" if m.name == "top1" else m.heading) for m in metrics]
    columns += [Column("runs", optional=True), Column("architecture", align="left")]
    title = f"The front of {len(exploration.trained)} trained networks of {exploration.problem.space.name}"
    notes = [
        f"top1 is measured on {exploration.data}, trained by the recipe {exploration.recipe}; "
        f"{exploration.counted} of {exploration.trainings} trainings"
    ]
    if exploration.counted < exploration.trainings and not len(exploration.next):
        notes.append("every network that is on the front of a draw is trained; more draws may find others")
    if exploration.saved is not None:
        notes.append(str(exploration.saved))
    following = proposals_report(exploration.next)
    flat = [_row(exploration, i) for i in range(len(exploration.trained))]
    names = list(flat[0]) if flat else ["architecture"]
    data = {
        "data": exploration.data,
        "recipe": exploration.recipe,
        "trained": flat,
        "trainings": exploration.trainings,
        "counted": exploration.counted,
        "status": str(exploration.status),
        "halving": None if exploration.saved is None else vars(exploration.saved),
        "next": following.data,
    }
    tables = [Table(columns, rows, title, notes), *following.tables]
    return Report(tables, Table([Column(name) for name in names], flat), data)


def _row(exploration: Exploration, i: int) -> dict[str, Any]:
    each = exploration.trained[i]
    row: dict[str, Any] = {"architecture": each.architecture}
    for metric in exploration.problem.costs.metrics:
        value = each.values[metric.name]
        row[metric.name] = int(value) if metric.name in COUNTED else value
    return row | {"runs": each.runs, "front": i in exploration.front}
