"""What every option of a slot costs, in every metric: arrays from the closed form, taken block by block.

Totals are a product's fixed part (stem, head, the accuracy model's constant) and its slots', combined metric by metric:
by their sum or their maximum.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lambda_arch.arch import ArchitectureError, Block, Lambda, ResNet
from lambda_arch.costs.closed_form import Dials, block_size, bottleneck, dials, head, stem, stem_size
from lambda_arch.costs.peak import ELEMENT_BYTES, block_peak, head_peak, stem_peak
from lambda_arch.searching.accuracy import AccuracyModel
from lambda_arch.searching.arrays import Floats, Mask, Rows
from lambda_arch.searching.latency import Latency
from lambda_arch.searching.metrics import Metric
from lambda_arch.searching.search_space import Column, Product, Slot

DIALS = ("k", "h", "u", "m")
COUNTED = ("params", "macs", "flops", "memory")


@dataclass
class Costs:
    """Costs in ``metrics``, in their order, as float64: counts are exact up to 2**53.

    ``accuracy`` is needed for top1, ``latency`` for latency and throughput, which is kept as the seconds it is read
    off: an array's column is what adds up. ``functions`` of whole networks, by metric, do not: their columns are 0 in
    every part, and :meth:`of` calls them. Raises :class:`ArchitectureError` where one that is needed is not there.
    """

    metrics: tuple[Metric, ...]
    accuracy: AccuracyModel | None = None
    latency: Latency | None = None
    functions: Mapping[str, Callable[[ResNet], float]] = field(default_factory=dict)
    _tables: dict[Any, Floats] = field(default_factory=dict, repr=False)
    _kinds: dict[int, "list[_Kind]"] = field(default_factory=dict, repr=False)
    _alive: list[Any] = field(default_factory=list, repr=False)  # what the tables' keys are identities of

    def __post_init__(self) -> None:
        for metric in self.metrics:
            if metric.name in self.functions:
                continue
            if metric.name in ("latency", "throughput") and self.latency is None:
                raise ArchitectureError(
                    f"{metric.name}: no calibration; expected per-block latencies measured on a device and setup"
                )
            if metric.name == "top1" and self.accuracy is None:
                raise ArchitectureError("top1: no accuracy model; expected one, fitted on runs")
            if metric.name not in (*COUNTED, "latency", "throughput", "top1"):
                raise ArchitectureError(f"{metric.name}: not a cost that follows from blocks")

    @property
    def is_maximum(self) -> Mask:
        """Which metrics combine by their maximum."""
        return np.array([metric.combines == "max" for metric in self.metrics])

    def combine(self, a: Floats, b: Floats) -> Floats:
        """Return the costs of two parts together; the last axis is the metrics', the others broadcast."""
        maximum = self.is_maximum
        if not maximum.any():
            return a + b
        return np.where(maximum, np.maximum(a, b), a + b)

    def fixed(self, product: Product) -> Floats:
        """Return what a product costs without its blocks."""
        sizes = _sizes(product.image_size)
        rows = [*stem(product.stem, product.image_size), *head(product.classes, sizes[-1])]
        found = []
        for metric in self.metrics:
            if metric.name in self.functions:
                found.append(0.0)
            elif metric.name == "memory":
                peak = max(stem_peak(product.stem, product.image_size), head_peak(product.classes, sizes[-1]))
                found.append(float(ELEMENT_BYTES * peak))
            elif metric.name == "top1":
                assert self.accuracy is not None
                found.append(self.accuracy.constant(product.depth, product.image_size, product.stem))
            elif metric.name in ("latency", "throughput"):
                found.append(self._ends(product, sizes[-1]))
            else:
                found.append(float(sum(getattr(row, metric.name) for row in rows)))
        return np.array(found)

    def slot(self, product: Product, slot: Slot) -> Floats:
        """Return the costs of every option of a slot: options x metrics."""
        total: Floats | None = None
        maximum = self.is_maximum
        for column in slot.columns:
            for (stage, first), number in Counter((i, j == 0) for i, j in column.places).items():
                table = self._table(product, column, stage, first)
                many = (np.where(maximum, table, number * table) if maximum.any() else number * table)[column.index]
                total = many if total is None else self.combine(total, many)
        assert total is not None
        return total

    def of(self, architecture: ResNet) -> Floats:
        """Return the totals of one architecture, in the order of the metrics; ``functions`` are called for theirs."""
        places = [(i, j) for i, stage in enumerate(architecture.stages) for j in range(len(stage))]
        zero = np.zeros(1, np.int32)
        slot = Slot(tuple(Column((place,), (architecture.stages[place[0]][place[1]],), zero) for place in places))
        product = Product(
            architecture.depth,
            architecture.image_size,
            architecture.stem,
            architecture.shortcut_bias,
            architecture.classes,
            (slot,),
        )
        totals = self.combine(self.fixed(product), self.slot(product, slot)[0])
        for i, metric in enumerate(self.metrics):
            if metric.name in self.functions:
                totals[i] = self.functions[metric.name](architecture)
        return totals

    def read(self, totals: Floats) -> dict[str, float]:
        """Return one row of totals by metric, as a person reads them."""
        return {
            metric.name: self.latency.batch / float(value) if metric.inverse_of and self.latency else float(value)
            for metric, value in zip(self.metrics, totals, strict=True)
        }

    def _table(self, product: Product, column: Column, stage: int, first: bool) -> Floats:
        """Return the costs of a column's blocks in one place: blocks x metrics."""
        sizes = _sizes(product.image_size)
        size = sizes[stage] if first else sizes[stage + 1]
        found = np.empty((len(column.blocks), len(self.metrics)))
        counts: dict[str, Floats] = {}
        if any(metric.name in COUNTED for metric in self.metrics):
            key = (id(column.blocks), stage, first, size, product.shortcut_bias)
            if key not in self._tables:
                kinds = self._kinds_of(column.blocks)
                self._tables[key] = _counted(kinds, stage, first, size, product.shortcut_bias)
            counts = dict(zip(COUNTED, self._tables[key].T, strict=True))
        for i, metric in enumerate(self.metrics):
            if metric.name in self.functions:
                found[:, i] = 0.0
            elif metric.name in COUNTED:
                found[:, i] = counts[metric.name]
            elif metric.name == "top1":
                found[:, i] = self._accuracies(column.blocks, stage, product.depth)
            else:
                found[:, i] = self._seconds(column.blocks, stage, first, size)
        return found

    def _kinds_of(self, blocks: Sequence[Block]) -> "list[_Kind]":
        if id(blocks) not in self._kinds:
            self._alive.append(blocks)
            self._kinds[id(blocks)] = _kinds(blocks)
        return self._kinds[id(blocks)]

    def _accuracies(self, blocks: Sequence[Block], stage: int, depth: int) -> Floats:
        model = self.accuracy
        assert model is not None
        key = ("top1", id(blocks), stage, depth)
        if key not in self._tables:
            self._alive.append(blocks)
            self._tables[key] = np.array([model.block(block, stage, depth) for block in blocks])
        return self._tables[key]

    def _seconds(self, blocks: Sequence[Block], stage: int, first: bool, size: int) -> Floats:
        assert self.latency is not None
        key = ("seconds", id(blocks), stage, first, size)
        if key not in self._tables:
            self._alive.append(blocks)
            try:
                seconds = [self.latency.seconds(stage, first, block, size) for block in blocks]
            except KeyError as error:
                raise self._not_calibrated(error) from None
            self._tables[key] = np.array(seconds)
        return self._tables[key]

    def _ends(self, product: Product, size: int) -> float:
        assert self.latency is not None
        seconds = self.latency.seconds
        try:
            return seconds.stem(product.stem, product.image_size) + seconds.head(product.classes, size)
        except KeyError as error:
            raise self._not_calibrated(error) from None

    def _not_calibrated(self, error: KeyError) -> ArchitectureError:
        setup = f" on {self.latency.setup}" if self.latency and self.latency.setup else ""
        return ArchitectureError(
            f"latency: {error.args[0]} was not calibrated{setup}; expected every part of the space"
        )


def _sizes(image_size: int) -> list[int]:
    """Return the sides of the maps that enter c2, c3, c4, c5 and the head."""
    sizes = [stem_size(image_size)]
    for stage in range(4):
        sizes.append(block_size(stage, True, sizes[-1]))
    return sizes


def _counted(kinds: Sequence["_Kind"], stage: int, first: bool, size: int, shortcut_bias: bool) -> Floats:
    """Return params, MACs, FLOPs and peak bytes of blocks, by the closed form on arrays of those of one kind."""
    found = np.empty((sum(len(kind.members) for kind in kinds), len(COUNTED)))
    for kind in kinds:
        at = kind.dials(size)
        rows = list(bottleneck("", kind.like, stage, first=first, size=size, shortcut_bias=shortcut_bias, at=at))
        macs = _total(row.macs for row in rows)
        found[kind.members, 0] = _total(row.params for row in rows)
        found[kind.members, 1] = macs
        found[kind.members, 2] = 2 * macs
        found[kind.members, 3] = ELEMENT_BYTES * block_peak(kind.like, stage, first=first, size=size, at=at)
    return found


@dataclass(frozen=True)
class _Kind:
    """Blocks that differ in their dials alone: one of them, where they are, and their dials as arrays."""

    like: Block
    members: Rows
    values: dict[str, Any]

    def dials(self, size: int) -> Dials | None:
        if not isinstance(self.like.layer, Lambda):
            return None
        at = dials(self.like.layer, size)._replace(**{name: self.values[name] for name in DIALS[:3]})
        return (
            at
            if "m" not in self.values
            else at._replace(summed=self.values["m"] ** 2, embeddings=self.values["m"] ** 2)
        )


def _kinds(blocks: Sequence[Block]) -> list[_Kind]:
    kinds: dict[Any, list[int]] = {}
    for i, block in enumerate(blocks):
        layer = block.layer
        kind: tuple[Any, ...] = ()
        if isinstance(layer, Lambda):
            kind = (layer.m == "global", *(getattr(layer, name) for name in Lambda.__slots__ if name not in DIALS))
        kinds.setdefault((kind, block.se), []).append(i)
    found = []
    for members in kinds.values():
        layers = [layer for i in members if isinstance(layer := blocks[i].layer, Lambda)]
        names = DIALS[:3] if layers and layers[0].m == "global" else DIALS
        values = {name: np.array([getattr(layer, name) for layer in layers]) for name in names}
        found.append(_Kind(blocks[members[0]], np.array(members), values))
    return found


def _total(values: Iterable[int]) -> Any:
    total: Any = 0
    for value in values:
        total = total + value
    return total
