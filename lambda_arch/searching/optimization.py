"""A search as a problem of numbers: a space, objectives to minimise, and bounds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lambda_arch.arch import Architecture
from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.arrays import Floats, Mask, Rows
from lambda_arch.searching.latency import Latency
from lambda_arch.searching.linear_model import LinearModel
from lambda_arch.searching.metrics import Constraint, Metric
from lambda_arch.searching.part_costs import COUNTED, Costs
from lambda_arch.searching.search_space import Listing, Product, Slot, Space

TOLERANCE = 1e-6
"""The relative tolerance of a bound on an accuracy, latency or throughput, because sums of fractions are rounded, and
so are printed figures that are used as bounds. Bounds on counts are exact."""


@dataclass(frozen=True)
class Problem:
    """A space, objectives and constraints. Arrays have one column per metric, objectives first.

    All columns are minimised: those to maximise are negated, and throughput is stored as seconds.
    """

    space: Space
    objectives: tuple[Metric, ...]
    constraints: tuple[Constraint, ...]
    costs: Costs

    @cached_property
    def signs(self) -> Floats:
        """1 for the columns that are costs, -1 for gains."""
        return np.array([1.0 if metric.inverse_of else float(metric.sign) for metric in self.costs.metrics])

    @cached_property
    def bounds(self) -> Floats:
        """The upper bound of each column, infinite without one."""
        return self._limits[0]

    @cached_property
    def floors(self) -> Floats:
        """The lower bound of each column, from constraints such as params>=10M."""
        return self._limits[1]

    @cached_property
    def _limits(self) -> tuple[Floats, Floats]:
        upper, lower = np.full(len(self.signs), np.inf), np.full(len(self.signs), -np.inf)
        for constraint in self.constraints:
            column = self.costs.metrics.index(constraint.metric)
            at_most = constraint.relation == "<="
            bound = constraint.bound
            if constraint.metric.inverse_of and self.costs.latency is not None:
                bound, at_most = self.costs.latency.batch_size / bound if bound > 0 else np.inf, not at_most
            bound *= self.signs[column]
            spare = 0.0 if constraint.metric.name in COUNTED else TOLERANCE * abs(bound)
            if at_most == (self.signs[column] > 0):
                upper[column] = min(upper[column], bound + spare)
            else:
                lower[column] = max(lower[column], bound - spare)
        return upper, lower

    @cached_property
    def doubts(self) -> dict[str, tuple[str, ...]]:
        """The warnings about calibrated parts of any architecture of the space, by the part's readable name."""
        doubts = self.costs.latency and self.costs.latency.doubts
        if not doubts:
            return {}
        networks = (network for product in self.space.products for network in product.covering())
        return {part: warnings for network in networks for part, warnings in doubts(network).items()}

    def fixed(self, product: Product | Listing) -> Floats:
        """Return a product's costs without its blocks, minimised."""
        return self.signs * self.costs.fixed(product)

    def slot(self, product: Product | Listing, slot: Slot | Listing) -> Floats:
        """Return the costs of a slot's options, minimised."""
        return self.signs * self.costs.slot(product, slot)

    def of(self, architecture: Architecture) -> Floats:
        """Return the totals of one architecture, minimised."""
        return self.signs * self.costs.of(architecture)

    def combine(self, a: Floats, b: Floats) -> Floats:
        """Return the costs of two parts together."""
        return self.costs.combine(a, b)

    def allowed(self, totals: Floats) -> Mask:
        """Return which rows of totals are within all constraints."""
        return np.asarray(((totals <= self.bounds) & (totals >= self.floors)).all(axis=-1))

    def non_dominated(self, totals: Floats, columns: int | None = None) -> Rows:
        """Return, in order, the rows that no other dominates in the first ``columns``, and only one of equal rows.

        Accuracies and seconds are compared to 9 decimals, because sums of fractions are rounded.
        """
        fractions = [metric.name not in COUNTED for metric in self.costs.metrics][:columns]
        return non_dominated(np.where(fractions, np.round(totals[:, :columns], 9), totals[:, :columns]))

    def read(self, totals: Floats) -> dict[str, float]:
        """Return a row of totals by metric, with the signs and units that people use."""
        return self.costs.read(self.signs * totals)


def make_problem(
    space: Space,
    objectives: Sequence[Metric],
    constraints: Sequence[Constraint] = (),
    accuracy: LinearModel | None = None,
    latency: Latency | None = None,
    functions: Mapping[str, Callable[[Any], float]] | None = None,
) -> Problem:
    """Return the problem; raises :class:`LambdaArchError` without objectives, a needed model or a calibration."""
    if not objectives:
        raise LambdaArchError("no objective: expected a metric to minimize or maximize, such as minimize=macs")
    own = dict.fromkeys(constraint.metric for constraint in constraints if constraint.metric not in objectives)
    costs = Costs((*objectives, *own), accuracy, latency, functions or {})
    return Problem(space, tuple(objectives), tuple(constraints), costs)


def non_dominated(values: Floats) -> Rows:
    """Return, in order, the rows of ``values`` that no other dominates, and only one of equal rows."""
    import moocore

    if len(values) < 2:
        return np.arange(len(values))
    return np.flatnonzero(moocore.is_nondominated(values, keep_weakly=False))
