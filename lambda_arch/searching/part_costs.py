"""The costs of every option of a slot in every metric, as arrays from the closed form, part by part.

The total of a product combines its fixed costs (stem, head, the accuracy model's constant) and those of its slots,
metric by metric, by their sum or their maximum.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from lambda_arch.arch import LAYERS, STAGES, Architecture, Block, Bottleneck, Lambda, Part, with_block
from lambda_arch.costs import count
from lambda_arch.costs.modules import rows
from lambda_arch.costs.peak import ELEMENT_BYTES, peak_elements, peak_memory
from lambda_arch.errors import LambdaArchError, SetupError
from lambda_arch.searching.arrays import Floats, Mask, Rows
from lambda_arch.searching.features import block_features
from lambda_arch.searching.latency import Latency
from lambda_arch.searching.linear_model import LinearModel
from lambda_arch.searching.metrics import Metric
from lambda_arch.searching.search_space import Column, Listing, Product, Slot
from lambda_arch.searching.whole_networks import WholeLatencies

NUMBERS = ("k", "h", "u", "m")
"""The settings of a lambda layer that the closed form takes as arrays."""
COUNTED = ("params", "macs", "flops", "memory")
TIMED = ("latency", "throughput")


@dataclass
class Costs:
    """Costs in ``metrics``, in their order, as float64: counts are exact up to 2**53.

    ``accuracy`` is needed for top1, ``latency`` for latency and throughput, which is kept as the seconds it is read
    off: an array's column is what adds up. ``functions`` of whole networks, by metric, do not: their columns are 0 in
    every part, and :meth:`of` calls them. Raises :class:`LambdaArchError` where one that is needed is not there.
    """

    metrics: tuple[Metric, ...]
    accuracy: LinearModel | None = None
    latency: Latency | None = None
    functions: Mapping[str, Callable[[Any], float]] = field(default_factory=dict)
    _columns: dict[int, "_ColumnCosts"] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for metric in self.metrics:
            if metric.name in self.functions:
                continue
            if metric.name in TIMED and self.latency is None:
                raise SetupError(
                    f"{metric.name}: no calibration; expected per-block latencies measured on a device and setup"
                )
            if metric.name == "top1" and self.accuracy is None:
                raise LambdaArchError("top1: no accuracy model; expected one, fitted on runs")
            if metric.name not in (*COUNTED, *TIMED, "top1"):
                raise LambdaArchError(f"{metric.name}: not a cost that follows from blocks")

    @property
    def is_maximum(self) -> Mask:
        """Which metrics combine by their maximum."""
        return np.array([metric.combines == "max" for metric in self.metrics])

    @property
    def timed(self) -> Latency | WholeLatencies | None:
        """Where latencies come from, with their intervals and doubts: a calibration, or whole networks."""
        whole = self.functions.get("latency")
        return whole if isinstance(whole, WholeLatencies) else self.latency

    def combine(self, a: Floats, b: Floats) -> Floats:
        """Return the combined costs of two parts; the last axis is that of metrics, the others broadcast."""
        maximum = self.is_maximum
        if not maximum.any():
            return a + b
        return np.where(maximum, np.maximum(a, b), a + b)

    def fixed(self, product: Product | Listing) -> Floats:
        """Return the costs of a product without its blocks; those of a listing are all in its options."""
        total = np.zeros(len(self.metrics))
        if isinstance(product, Listing):
            return total
        for part in product.base.parts():
            if not isinstance(part.settings, Bottleneck):
                total = self.combine(total, np.array([self._of_end(metric, part) for metric in self.metrics]))
        for i, metric in enumerate(self.metrics):
            if metric.name == "top1" and self.accuracy is not None:
                base = product.base
                total[i] = self.accuracy.constant(base.depth, base.image_size, base.stem)
        return total

    def slot(self, product: Product | Listing, slot: Slot | Listing) -> Floats:
        """Return the costs of every option of a slot: options x metrics."""
        if isinstance(slot, Listing):
            return np.array([self.of(architecture) for architecture in slot.architectures])
        assert isinstance(product, Product)
        parts = {part.path: part for part in product.base.parts()}
        maximum = self.is_maximum
        total: Floats | None = None
        for column in slot.columns:
            # all blocks of a stage after the first have the same geometry
            places = Counter(parts[f"{STAGES[i]}.{min(j, 1) + 1}"] for i, j in column.places)
            for part, number in places.items():
                table = self._table(product, column, part)
                many = (np.where(maximum, table, number * table) if maximum.any() else number * table)[column.index]
                total = many if total is None else self.combine(total, many)
        assert total is not None
        return total

    def of(self, architecture: Architecture) -> Floats:
        """Return the totals of one architecture of any family, in the order of the metrics.

        Raises :class:`LambdaArchError` for a metric that is unknown for it.
        """
        ledger = count(architecture)
        found = []
        for metric in self.metrics:
            if metric.name in self.functions:
                found.append(self.functions[metric.name](architecture))
            elif metric.name == "memory":
                found.append(peak_memory(architecture))
            elif metric.name == "top1":
                assert self.accuracy is not None
                found.append(self.accuracy.mean(architecture))
            elif metric.name in TIMED:
                found.append(sum(self._seconds(part) for part in architecture.parts()))
            else:
                found.append(getattr(ledger, metric.name))
        return np.array(found, float)

    def read(self, totals: Floats) -> dict[str, float]:
        """Return one row of totals by metric, with throughput instead of its seconds."""
        return {
            metric.name: self.latency.batch_size / float(value) if metric.inverse_of and self.latency else float(value)
            for metric, value in zip(self.metrics, totals, strict=True)
        }

    def _of_end(self, metric: Metric, part: Part) -> float:
        """Return the cost of a stem or head."""
        if metric.name in self.functions or metric.name == "top1":
            return 0.0
        return self._seconds(part) if metric.name in TIMED else _count(part)[COUNTED.index(metric.name)]

    def _table(self, product: Product, column: Column, part: Part) -> Floats:
        """Return the costs of a column's blocks in one place: blocks x metrics."""
        # columns of many places share their blocks; what is kept here keeps their identity
        costs = self._columns.setdefault(id(column.blocks), _ColumnCosts(column.blocks))
        found = np.zeros((len(column.blocks), len(self.metrics)))
        for i, metric in enumerate(self.metrics):
            if metric.name in self.functions:
                continue
            if metric.name in COUNTED:
                found[:, i] = costs.counted(part)[:, COUNTED.index(metric.name)]
            elif metric.name == "top1":
                assert self.accuracy is not None and part.stage is not None
                found[:, i] = costs.accuracies(self.accuracy, part.stage, product.base.depth)
            else:
                found[:, i] = costs.seconds(self._seconds, part)
        return found

    def _seconds(self, part: Part) -> float:
        assert self.latency is not None
        try:
            return self.latency.seconds(part)
        except KeyError as error:
            setup = f" on {self.latency.setup}" if self.latency.setup else ""
            raise SetupError(
                f"latency: {error.args[0]} was not calibrated{setup}; expected `lambda-arch calibrate` "
                "with this space and the same setup first"
            ) from None


class _ColumnCosts:
    """The costs of a column's blocks in each place, computed once."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self.by_part: dict[Part, Floats] = {}
        self.by_seconds: dict[Part, Floats] = {}
        self.by_depth: dict[tuple[int, int], Floats] = {}  # features

    @cached_property
    def kinds(self) -> "list[_Kind]":
        """The blocks, by what they have in common."""
        return _kinds(self.blocks)

    def counted(self, part: Part) -> Floats:
        """Return params, MACs, FLOPs and peak bytes: blocks x 4."""
        if part not in self.by_part:
            found = np.empty((len(self.blocks), len(COUNTED)))
            for kind in self.kinds:
                numbers = _count(with_block(part, kind.block, **kind.numbers))
                for i, values in enumerate(numbers):
                    found[kind.members, i] = values
            self.by_part[part] = found
        return self.by_part[part]

    def accuracies(self, model: LinearModel, stage: int, depth: int) -> Floats:
        """Return the contribution of each block to a predicted accuracy."""
        if (stage, depth) not in self.by_depth:
            self.by_depth[stage, depth] = np.array([block_features(block, stage, depth) for block in self.blocks])
        return np.asarray(self.by_depth[stage, depth] @ model.block_weights)

    def seconds(self, of: Callable[[Part], float], part: Part) -> Floats:
        """Return the latency of each block."""
        if part not in self.by_seconds:
            self.by_seconds[part] = np.array([of(with_block(part, block)) for block in self.blocks])
        return self.by_seconds[part]


@dataclass(frozen=True)
class _Kind:
    """Blocks that differ only in the numbers of their lambda layers: one of them, their indices, and the numbers."""

    block: Block
    members: Rows
    numbers: dict[str, Any]


def _kinds(blocks: Sequence[Block]) -> list[_Kind]:
    other = [field.name for field in fields(LAYERS["L"]) if field.name not in NUMBERS]
    kinds: dict[Any, list[int]] = {}
    for i, block in enumerate(blocks):
        layer = block.layer
        kind: tuple[Any, ...] = ()
        if isinstance(layer, Lambda):
            kind = (layer.m == "global", *(getattr(layer, name, None) for name in other))
        kinds.setdefault((kind, block.se), []).append(i)
    found = []
    for members in kinds.values():
        layers = [layer for i in members if isinstance(layer := blocks[i].layer, Lambda)]
        names = NUMBERS[:3] if layers and layers[0].m == "global" else NUMBERS
        numbers = {name: np.array([getattr(layer, name) for layer in layers]) for name in names if layers}
        found.append(_Kind(blocks[members[0]], np.array(members), numbers))
    return found


def _count(part: Part) -> tuple[Any, Any, Any, Any]:
    """Return params, MACs, FLOPs and peak bytes of a part: numbers, or arrays where its numbers are arrays."""
    of_part = list(rows(part))
    macs = _total(row.macs for row in of_part)
    return _total(row.params for row in of_part), macs, 2 * macs, ELEMENT_BYTES * peak_elements(part)


def _total(values: Iterable[Any]) -> Any:
    total: Any = 0
    for value in values:
        total = total + value
    return total
