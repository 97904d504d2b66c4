"""The table of metrics that a search can optimise; it drives the search, constraints, sorting, plots and files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lambda_arch.errors import LambdaArchError, did_you_mean
from lambda_arch.units import BYTES, COUNTS, IMAGES, PERCENT, SECONDS, Units, read_number

Combines = Literal["sum", "max"]


@dataclass(frozen=True)
class Metric:
    """A quantity that a search can optimise or bound: how it is written, which way is better, and how it adds up.

    ``name`` is what a user types, ``label`` the heading in tables, ``about`` a description. ``combines``: how the
    metric of a network follows from its parts. ``units``: the units in which a value may be written, with their
    factors; ``shown``: the unit of tables, with its factor; ``digits`` after the point, negative for all.
    ``inverse_of`` names the metric from which it is computed: throughput is images over latency.
    """

    name: str
    label: str
    better: Literal["min", "max"]
    combines: Combines
    units: Units = field(hash=False)
    shown: tuple[str, float]
    digits: int
    about: str
    inverse_of: str = ""

    @property
    def sign(self) -> int:
        """1 if less is better, -1 if more is better."""
        return 1 if self.better == "min" else -1

    @property
    def example(self) -> str:
        """An example of a value."""
        return {"top1": "78", "throughput": "1000", "latency": "3ms", "memory": "40MB"}.get(self.name, "16M")

    @property
    def heading(self) -> str:
        """The label with the unit of tables."""
        return f"{self.label} ({self.shown[0]})" if self.shown[0] else self.label

    def show(self, value: float | None) -> str:
        """Write a value in the unit of the heading."""
        if value is None or self.digits < 0:
            return "" if value is None else f"{value:g}"
        return f"{value / self.shown[1]:,.{self.digits}f}"

    def show_with_unit(self, value: float) -> str:
        """Write a value with its unit: ``15.0 M``, ``3.20 ms``."""
        return f"{self.show(value)} {self.shown[0]}".rstrip()

    def read(self, text: str, what: str = "") -> float:
        """Return the value of a text such as ``16M``, ``5G``, ``3ms`` or ``40MB``, in the metric's base unit.

        See :mod:`lambda_arch.units`. Raises :class:`LambdaArchError`, beginning with ``what``, unless it is a number
        with a valid unit and a plausible cost.
        """
        number, factor = read_number(text, self.units, what or f"{self.name} {text.strip()}", self.example)
        return float(number * factor)


METRICS = {
    metric.name: metric
    for metric in (
        Metric("params", "params", "min", "sum", COUNTS, ("M", 1e6), 3, "trainable scalars"),
        Metric("macs", "MACs", "min", "sum", COUNTS, ("G", 1e9), 3, "multiply-accumulates for one image"),
        Metric("flops", "FLOPs", "min", "sum", COUNTS, ("G", 1e9), 3, "twice the multiply-accumulates"),
        Metric(
            "memory", "memory", "min", "max", BYTES, ("MB", 1e6), 2,
            "peak of live activations in inference, one image, 4 bytes an element",
        ),
        Metric(
            "latency", "latency", "min", "sum", SECONDS, ("ms", 1e-3), 3,
            "sum of measured per-block latencies",
        ),
        Metric(
            "throughput", "throughput", "max", "sum", IMAGES,
            ("images/s", 1.0), 1, "images over latency", inverse_of="latency",
        ),
        Metric(
            "top1", "top-1", "max", "sum", PERCENT, ("%", 1.0), 2,
            "predicted by a model that is fitted on runs",
        ),
    )
}  # fmt: skip


def metric_named(name: str) -> Metric:
    """Return the metric ``name``; raises :class:`LambdaArchError` for an unknown one."""
    key = {"top-1": "top1", "flop": "flops", "mac": "macs", "param": "params"}.get(name.lower(), name.lower())
    if key not in METRICS:
        hint = did_you_mean(key, METRICS)
        raise LambdaArchError(f"{name or 'an empty name'}: no such metric{hint}; expected one of {', '.join(METRICS)}")
    return METRICS[key]


@dataclass(frozen=True)
class Constraint:
    """A bound on a metric: ``params<=16M``."""

    metric: Metric
    relation: Literal["<=", ">="]
    bound: float

    def __str__(self) -> str:
        unit, factor = self.metric.shown
        return f"{self.metric.name}{self.relation}{self.bound / factor:.12g}{unit}"


def read_constraint(text: str) -> Constraint:
    """Return the constraint of a text such as ``params<=16M``; raises :class:`LambdaArchError` for any other text."""
    match = re.fullmatch(r"\s*([\w-]+)\s*(<=|>=|<|>|==?|≤|≥)\s*(.+?)\s*", text)
    if not match:
        raise LambdaArchError(f"{text.strip() or 'an empty bound'}: expected a bound such as 'params<=16M'")
    name, relation, bound = match.groups()
    relation = {"≤": "<=", "≥": ">="}.get(relation, relation)
    metric = metric_named(name)
    if "," in bound:
        first = text.partition(",")[0].strip()
        raise LambdaArchError(f"{text.strip()}: expected one bound at a time, such as '{first}'")
    if relation in ("<=", ">="):
        return Constraint(metric, "<=" if relation == "<=" else ">=", metric.read(bound, text.strip()))
    raise LambdaArchError(f"{text.strip()}: expected <= or >=, such as '{metric.name}<={bound}'")


def read_objectives(minimize: Sequence[str], maximize: Sequence[str]) -> tuple[Metric, ...]:
    """Return the objectives of lists of names, which may be separated by commas.

    Raises :class:`LambdaArchError` for a name that is given twice, unknown, or optimised in the wrong direction.
    """
    found: dict[str, Metric] = {}
    for better, texts in (("min", minimize), ("max", maximize)):
        for name in (part.strip() for text in texts for part in text.split(",")):
            metric = metric_named(name)
            if metric.name in found:
                raise LambdaArchError(f"{metric.name}: an objective twice; expected it once")
            if metric.better != better:
                argument = "minimize" if metric.better == "min" else "maximize"
                raise LambdaArchError(
                    f"{metric.name}: more of it is {'worse' if metric.better == 'min' else 'better'}; "
                    f"expected {argument}={metric.name}"
                )
            found[metric.name] = metric
    return tuple(found.values())


def column_metric(name: str, better: Literal["min", "max"]) -> Metric:
    """Return a metric for a column of a user's table, whose values are any numbers and shown as they are."""
    return Metric(name, name, better, "sum", PERCENT, ("", 1.0), -1, "a column of the table")
