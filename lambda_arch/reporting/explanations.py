"""Report of why a network has the figures that it has."""

from lambda_arch.comparing.explaining import GLOBAL, Explanations
from lambda_arch.reporting.table import Column, Report, Table, billions, millions


def explanations_report(explanations: Explanations) -> Report:
    """Return one row per hypothesis that gives the figures, the simplest first."""
    rows = [
        {
            "hypothesis": "; ".join(each.changes) or "the network as it was meant",
            "counted": each.counted,
            "value": each.value,
            "params": each.params,
            "local": each.local,
            "architecture": str(each.architecture),
        }
        for each in explanations.best
    ]
    columns = [
        Column("hypothesis", "simplest hypothesis", "left"),
        Column("counted", "counted as", "left"),
        Column("value", "G", show=billions),
        Column("params", "params (M)", show=millions),
    ]
    notes = [f"{explanations.found} of {explanations.tried} hypotheses about {explanations.architecture} give this."]
    if any(each.local is not None for each in explanations.best):
        columns.append(Column("local", "local (G)", show=billions))
        notes.append(
            f"{GLOBAL[0].upper()}{GLOBAL[1:]}: every position then sees every other, at the cost of the square of "
            "their number. The LambdaLayer of lambda-networks is local only where its argument r is given, such as "
            "r=23. Local: the same network with the scope that was meant."
        )
    columns.append(Column("architecture", align="left", optional=True))
    asked = ", ".join(f"{text} {'MACs or FLOPs' if name == 'macs' else name}" for name, text in explanations.figures)
    data = {"figures": dict(explanations.figures), "found": explanations.found, "tried": explanations.tried}
    flat = Table([Column(name) for name in ("hypothesis", "counted", "value", "params", "local", "architecture")], rows)
    return Report(
        [Table(columns, rows, f"Why {asked}? Meant: {explanations.architecture}", notes)],
        flat,
        {**data, "explanations": rows},
    )
