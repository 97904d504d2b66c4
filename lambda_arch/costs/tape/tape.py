"""Storages, tensors and the graph that autograd would record; and the backward pass over it."""

import heapq
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from math import prod
from typing import Any

from lambda_arch.arch import Part
from lambda_arch.arch.evaluation import CANONICAL, Evaluation
from lambda_arch.costs.tape.strides import Shape, contiguous, is_contiguous, like

FLOAT, LONG = 4, 8
KINDS = ("inputs", "gradients", "saved", "temporaries")
"""What is alive in a step besides the weights: images and labels, the gradients of parameters, what is saved for the
backward pass, and everything else."""

Backward = Callable[["Tape", "list[Tensor | None]", "list[Tensor]"], "Sequence[Tensor | None]"]


class Storage:
    """So many bytes, counted in ``memory`` while it lives."""

    __slots__ = ("bytes", "kind", "memory", "saves")

    def __init__(self, memory: "Memory", size: int, kind: str) -> None:
        self.memory, self.bytes, self.kind, self.saves = memory, size, kind, 0
        memory.add(size, kind)

    def __del__(self) -> None:
        self.memory.live[self.kind] -= self.bytes
        self.memory.total -= self.bytes

    def become(self, kind: str) -> None:
        """Count as another kind from now on."""
        self.memory.live[self.kind] -= self.bytes
        self.memory.live[kind] += self.bytes
        self.kind = kind


class Memory:
    """The bytes alive by kind, and those at the peak."""

    def __init__(self) -> None:
        self.live = dict.fromkeys(KINDS, 0)
        self.peak: dict[str, int] = dict(self.live)
        self.total = self.most = 0

    def add(self, size: int, kind: str) -> None:
        """Count a new storage."""
        self.live[kind] += size
        self.total += size
        if self.total > self.most:
            self.most, self.peak = self.total, dict(self.live)


class Tensor:
    """A tensor: ``size`` bytes an element; ``node`` is the operation that made it, None if it needs no gradient."""

    __slots__ = ("index", "is_view", "node", "shape", "size", "storage", "strides")

    def __init__(
        self,
        storage: Storage,
        shape: Shape,
        strides: Shape,
        size: int,
        node: "Node | Parameter | None" = None,
        index: int = 0,
        is_view: bool = False,
    ) -> None:
        self.storage, self.shape, self.strides, self.size = storage, shape, strides, size
        self.node, self.index, self.is_view = node, index, is_view

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether its elements lie in order."""
        return is_contiguous(self.shape, self.strides)

    def detached(self) -> "Tensor":
        """Return the same tensor without its history."""
        return Tensor(self.storage, self.shape, self.strides, self.size)


class Parameter:
    """A parameter of ``shape``, float32; it is allocated outside the step, only its gradient is not."""

    __slots__ = ("gradient", "shape", "size")

    def __init__(self, shape: Shape) -> None:
        self.shape, self.size = shape, FLOAT
        self.gradient: Tensor | None = None

    @property
    def node(self) -> "Parameter":
        """It is its own node."""
        return self

    index = 0


class Node:
    """An operation with what it saved; ``edges`` are the nodes of its inputs, None where none is needed."""

    __slots__ = ("backward", "edges", "number", "outputs", "saved")

    def __init__(
        self, number: int, edges: "list[tuple[Node | Parameter, int] | None]", backward: Backward, outputs: int
    ) -> None:
        self.number, self.edges, self.backward, self.outputs = number, edges, backward, outputs
        self.saved: list[Tensor | tuple[Frame, int]] = []


class Frame:
    """A part whose saved tensors are computed again in the backward pass, as by ``torch.utils.checkpoint``."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self.run = run
        self.count = 0
        self.again: list[Tensor | None] | None = None


class EnoughError(Exception):
    """All that was saved has been computed again."""


class Tape:
    """Runs operations: allocates, saves, records.

    ``evaluation``: that of the lambda layer of a part. ``low``: bytes of an element of products under autocast, or 4
    without it. ``training``: whether operations are recorded. ``device``: the kind of device whose operations run.
    ``in_place``: whether gradients are added up in place, as autograd does unless operations are traced.
    """

    def __init__(
        self,
        *,
        training: bool,
        low: int = FLOAT,
        device: str = "cpu",
        evaluation: Callable[[Part], Evaluation] = lambda part: CANONICAL,
        in_place: bool = True,
    ) -> None:
        self.training, self.low, self.device = training, low, device
        self.in_place = in_place
        self.memory = Memory()
        self.nothing = Storage(self.memory, 0, "inputs")
        self.parameters: dict[str, Parameter] = {}
        self.cast: dict[Parameter, Tensor] = {}
        self.saved: Counter[str] = Counter()
        self.path = ""
        self.number = 0
        self.recording = training
        self.frame: Frame | None = None
        self.owners: dict[int | None, str] = {}
        self.evaluation = evaluation

    def new(self, shape: Shape, size: int = FLOAT, strides: Shape | None = None, kind: str = "temporaries") -> Tensor:
        """Return a new tensor."""
        storage = Storage(self.memory, prod(shape) * size, kind)
        return Tensor(storage, shape, strides or contiguous(shape), size)

    def parameter(self, path: str, shape: Shape) -> Parameter:
        """Return the parameter of this path, made when it is first used."""
        return self.parameters.setdefault(path, Parameter(shape))

    def node(
        self, inputs: "Sequence[Tensor | Parameter | None]", backward: Backward, outputs: int = 1
    ) -> "Node | None":
        """Return the node of an operation on ``inputs``, or None where nothing needs a gradient."""
        edges = [(each.node, each.index) if each is not None and each.node is not None else None for each in inputs]
        if not self.recording or not any(edges):
            return None
        self.number += 1
        return Node(self.number, edges, backward, outputs)

    def save(self, node: Node | None, *tensors: "Tensor | Parameter | None") -> None:
        """Keep ``tensors`` for the backward pass of ``node``; parameters are there anyway."""
        if node is None:
            return
        for each in tensors:
            if not isinstance(each, Tensor):
                continue
            frame = self.frame
            if frame is None:
                self._keep(each)
                node.saved.append(each.detached())
            elif frame.again is None:
                node.saved.append((frame, frame.count))
                frame.count += 1
            else:
                self._keep(each)
                frame.again.append(each.detached())
                if len(frame.again) == frame.count:
                    raise EnoughError

    def _keep(self, tensor: Tensor) -> None:
        storage = tensor.storage
        if storage.kind == "temporaries":
            storage.become("saved")
            self.saved[self.path] += storage.bytes
        storage.saves += 1

    def checkpoint(self, run: Callable[..., Tensor], *arguments: Any) -> Tensor:
        """Return ``run(*arguments)``; what it saves is freed, and computed again in the backward pass."""
        if not self.recording or self.frame is not None:
            return run(*arguments)
        for each in arguments:
            if isinstance(each, Tensor):
                self._keep(each)
        self.frame = Frame(partial(run, *map(_without_history, arguments)))
        try:
            return run(*arguments)
        finally:
            self.frame = None

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Attribute what is saved to the module of this path."""
        before, self.path = self.path, path
        try:
            yield
        finally:
            self.path = before

    # the backward pass

    def backward(self, loss: Tensor) -> None:
        """Run the backward pass, as autograd does: the operation that ran last first."""
        assert isinstance(loss.node, Node)
        first = self.new(loss.shape, loss.size)  # held by the caller of the backward pass
        gradients: dict[Node, list[Tensor | None]] = {loss.node: [first.detached()]}
        queue: list[tuple[int, Node]] = [(-loss.node.number, loss.node)]
        while queue:
            _, node = heapq.heappop(queue)
            given = gradients.pop(node)
            saved = [self._unpack(each) for each in node.saved]
            found = list(node.backward(self, given, saved))
            del given
            self._release(node, saved)
            del saved
            for i, edge in enumerate(node.edges):
                gradient, found[i] = found[i], None
                if edge is None or gradient is None:
                    continue
                target, index = edge
                if isinstance(target, Parameter):
                    self._accumulate(target, gradient)
                    continue
                if target not in gradients:
                    gradients[target] = [None] * target.outputs
                    heapq.heappush(queue, (-target.number, target))
                slot = gradients[target]
                slot[index] = self._sum(slot, index, gradient)

    def _sum(self, slot: "list[Tensor | None]", index: int, gradient: Tensor) -> Tensor:
        old, slot[index] = slot[index], None
        if old is None:
            return gradient
        if self.in_place and sys.getrefcount(old.storage) == 2:
            return old
        if self.in_place and sys.getrefcount(gradient.storage) == 2:
            return gradient
        return self.new(old.shape, old.size, like(old.shape, old.strides))

    def _accumulate(self, parameter: Parameter, gradient: Tensor) -> None:
        if parameter.gradient is not None:
            return  # added up in place
        shared = sys.getrefcount(gradient.storage) > 2 or gradient.storage.bytes != FLOAT * gradient.elements
        if shared or not gradient.is_contiguous:
            gradient = self.new(parameter.shape)
        gradient.storage.become("gradients")
        parameter.gradient = gradient

    def _unpack(self, each: "Tensor | tuple[Frame, int]") -> Tensor:
        if isinstance(each, Tensor):
            return each
        frame, i = each
        if frame.again is None:
            frame.again = []
            before = (self.path, self.frame, self.saved)
            self.frame, self.saved = frame, Counter()
            try:
                with suppress(EnoughError):
                    frame.run()
            finally:
                self.path, self.frame, self.saved = before
        found, frame.again[i] = frame.again[i], None
        assert found is not None
        return found

    def _release(self, node: Node, saved: "list[Tensor]") -> None:
        node.saved = []
        for each in saved:
            storage = each.storage
            storage.saves -= 1
            if not storage.saves and storage.kind == "saved":
                storage.become("temporaries")


def _without_history(value: Any) -> Any:
    """Return a tensor as a leaf that needs a gradient if ``value`` does, or another value as it is."""
    if not isinstance(value, Tensor):
        return value
    kept = value.detached()
    kept.node = Parameter(value.shape) if value.node is not None else None
    return kept
