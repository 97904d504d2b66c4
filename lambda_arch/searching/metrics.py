"""What a search can optimise, one table: it drives the search, constraints, sorting, plots and files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lambda_arch.errors import LambdaArchError, did_you_mean

Combines = Literal["sum", "max"]


@dataclass(frozen=True)
class Metric:
    """A quantity that a search can optimise or bound: how it is written, which way is better, and how it adds up.

    ``name`` is what a user types, ``label`` what tables say, ``about`` what it is. ``combines``: how a network's
    follows from its parts'. ``units``: what a value may be written with, each with its factor; ``shown``: the one that
    people read, with its factor; ``digits`` after the point, negative for as many as there are. ``inverse_of`` names
    the metric that it is read off: throughput is images over latency.
    """

    name: str
    label: str
    better: Literal["min", "max"]
    combines: Combines
    units: tuple[tuple[str, float], ...]
    shown: tuple[str, float]
    digits: int
    about: str
    inverse_of: str = ""

    @property
    def sign(self) -> int:
        """1 where less is better, -1 where more is."""
        return 1 if self.better == "min" else -1

    @property
    def heading(self) -> str:
        """The label with the unit that people read."""
        return f"{self.label} ({self.shown[0]})" if self.shown[0] else self.label

    def show(self, value: float | None) -> str:
        """Write a value for a person, in the unit of the heading."""
        if value is None or self.digits < 0:
            return "" if value is None else f"{value:g}"
        return f"{value / self.shown[1]:,.{self.digits}f}"

    def show_with_unit(self, value: float) -> str:
        """Write a value with its unit: ``15.0 M``, ``3.20 ms``."""
        return f"{self.show(value)} {self.shown[0]}".rstrip()

    def read(self, text: str) -> float:
        """Return the value of a text such as ``16M``, ``5G``, ``3ms`` or ``40MB``, in the metric's own unit.

        Raises :class:`LambdaArchError` for what is no number or has a unit of something else.
        """
        match = re.fullmatch(r"\s*([+-]?[\d_]*\.?\d+(?:[eE][+-]?\d+)?)\s*([^\d\s]*)\s*", text)
        units = dict(self.units)
        if not match or match[2] not in units:
            known = ", ".join(f"{_example(self)}{unit}" for unit, _ in self.units if unit)
            raise LambdaArchError(f"{self.name} {text.strip()}: expected a value such as {known}")
        return float(match[1]) * units[match[2]]


_COUNT = (("", 1.0), ("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("B", 1e9), ("T", 1e12))
_BYTES: tuple[tuple[str, float], ...] = (("", 1.0), ("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9))
_BYTES += (("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30), ("k", 1e3), ("M", 1e6), ("G", 1e9))
_SECONDS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("", 1.0))

METRICS = {
    metric.name: metric
    for metric in (
        Metric("params", "params", "min", "sum", _COUNT, ("M", 1e6), 3, "trainable scalars"),
        Metric("macs", "MACs", "min", "sum", _COUNT, ("G", 1e9), 3, "multiply-accumulates for one image"),
        Metric("flops", "FLOPs", "min", "sum", _COUNT, ("G", 1e9), 3, "twice the multiply-accumulates"),
        Metric(
            "memory", "memory", "min", "max", _BYTES, ("MB", 1e6), 2,
            "peak of live activations in inference, one image, 4 bytes an element",
        ),
        Metric(
            "latency", "latency", "min", "sum", _SECONDS, ("ms", 1e-3), 3,
            "sum of measured per-block latencies",
        ),
        Metric(
            "throughput", "throughput", "max", "sum", (("images/s", 1.0), ("", 1.0), ("k", 1e3)),
            ("images/s", 1.0), 1, "images over latency", inverse_of="latency",
        ),
        Metric(
            "top1", "top-1", "max", "sum", (("%", 1.0), ("", 1.0)), ("%", 1.0), 2,
            "predicted by a model that is fitted on runs",
        ),
    )
}  # fmt: skip


def _example(metric: Metric) -> str:
    return {"top1": "78", "throughput": "1000"}.get(metric.name, "16")


def metric_named(name: str) -> Metric:
    """Return the metric ``name``; raises :class:`LambdaArchError` for one that is not in the table."""
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
    """Return the constraint of a text such as ``params<=16M``; raises :class:`LambdaArchError` for what is none."""
    match = re.fullmatch(r"\s*([\w-]+)\s*(<=|>=|<|>|==?|≤|≥)\s*(.+?)\s*", text)
    if not match:
        raise LambdaArchError(f"{text.strip() or 'an empty bound'}: expected a bound such as 'params<=16M'")
    name, relation, bound = match.groups()
    relation = {"≤": "<=", "≥": ">="}.get(relation, relation)
    metric = metric_named(name)
    if relation == "<=":
        return Constraint(metric, "<=", metric.read(bound))
    if relation == ">=":
        return Constraint(metric, ">=", metric.read(bound))
    raise LambdaArchError(f"{text.strip()}: expected <= or >=, such as '{metric.name}<={bound}'")


def read_objectives(minimize: Sequence[str], maximize: Sequence[str]) -> tuple[Metric, ...]:
    """Return the objectives of lists of names, each with commas or not.

    Raises :class:`LambdaArchError` for a name given twice, unknown, or asked to get worse.
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
    """Return a metric for a column of a user's own table that may be any number: shown as it is."""
    return Metric(name, name, better, "sum", (("", 1.0),), ("", 1.0), -1, "a column of the table")
