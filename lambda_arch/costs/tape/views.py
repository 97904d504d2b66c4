"""Views of tensors, which allocate nothing, and the copies that a layout forces."""

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

from lambda_arch.costs.tape.records import Gradients, fresh, made, passed_back
from lambda_arch.costs.tape.strides import Shape, contiguous, viewed
from lambda_arch.costs.tape.tape import Node, Parameter, Tape, Tensor


def whole(tape: Tape, weight: Parameter) -> Tensor:
    """Return a parameter as a tensor, for views of it; its storage is counted with the weights."""
    return Tensor(tape.nothing, weight.shape, contiguous(weight.shape), weight.size, weight if tape.recording else None)


def reshape(tape: Tape, x: Tensor, shape: Shape) -> Tensor:
    """Return x in another shape, a view where that is possible, else a copy."""
    if x.shape == shape:
        return x
    strides = viewed(x.shape, x.strides, shape)
    node = tape.node([x], partial(_reshape_back, shape=x.shape))
    if strides is None:
        return made(tape.new(shape, x.size), node)
    return Tensor(x.storage, shape, strides, x.size, node, is_view=True)


def _reshape_back(tape: Tape, gradients: Any, saved: Any, *, shape: Shape) -> Gradients:
    (gradient,) = gradients
    strides = viewed(gradient.shape, gradient.strides, shape)
    if strides is None:
        return [tape.new(shape, gradient.size)]
    return [Tensor(gradient.storage, shape, strides, gradient.size)]


def permute(tape: Tape, x: Tensor, *order: int) -> Tensor:
    """Return a view of x with its dimensions in another order."""
    order = tuple(dim % len(x.shape) for dim in order)
    back = tuple(order.index(dim) for dim in range(len(order)))
    node = tape.node([x], partial(_permute_back, order=back))
    return _permuted(x, order, node)


def _permuted(x: Tensor, order: Sequence[int], node: Node | None = None) -> Tensor:
    shape, strides = (tuple(each[i] for i in order) for each in (x.shape, x.strides))
    return Tensor(x.storage, shape, strides, x.size, node, is_view=True)


def _permute_back(tape: Tape, gradients: Any, saved: Any, *, order: Sequence[int]) -> Gradients:
    return [_permuted(gradients[0], order)]


def transpose(tape: Tape, x: Tensor, a: int, b: int) -> Tensor:
    """Return a view of x with two dimensions exchanged."""
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return permute(tape, x, *order)


def ordered(tape: Tape, x: Tensor) -> Tensor:
    """Return ``x.contiguous()``: x itself, or a copy."""
    return x if x.is_contiguous else made(tape.new(x.shape, x.size), tape.node([x], passed_back))


def expand(tape: Tape, x: Tensor, shape: Shape) -> Tensor:
    """Return a view of x expanded to ``shape``, whose new dimensions come first."""
    if x.shape == shape:
        return x
    missing = len(shape) - len(x.shape)
    own, strides = (1,) * missing + x.shape, (0,) * missing + x.strides
    strides = tuple(0 if a != b else step for a, b, step in zip(own, shape, strides, strict=True))
    node = tape.node([x], partial(_expand_back, shape=x.shape, sums=prod(shape) != x.elements))
    return Tensor(x.storage, shape, strides, x.size, node, is_view=True)


def _expand_back(tape: Tape, gradients: Any, saved: Any, *, shape: Shape, sums: bool) -> Gradients:
    (gradient,) = gradients
    if sums:
        return [tape.new(shape, gradient.size)]
    return _reshape_back(tape, gradients, saved, shape=shape)


def part_of(tape: Tape, x: Tensor, dim: int, length: int) -> Tensor:
    """Return a view of ``length`` elements of a dimension; its gradient is padded with zeros."""
    dim %= len(x.shape)
    shape = (*x.shape[:dim], length, *x.shape[dim + 1 :])
    return Tensor(x.storage, shape, x.strides, x.size, tape.node([x], fresh([x])))


def unfolded(tape: Tape, x: Tensor, dim: int, length: int) -> Tensor:
    """Return a view of all windows of ``length`` elements of a dimension, with their elements last."""
    shape = (*x.shape[:dim], x.shape[dim] - length + 1, *x.shape[dim + 1 :], length)
    strides = (*x.strides, x.strides[dim])
    return Tensor(x.storage, shape, strides, x.size, tape.node([x], fresh([x])), is_view=True)


def split(tape: Tape, x: Tensor, size: int) -> list[Tensor]:
    """Return views of at most ``size`` images each; their gradients are concatenated."""
    number = -(-x.shape[0] // size)
    node = tape.node([x], fresh([x]), outputs=number)
    return [
        Tensor(x.storage, (min(size, x.shape[0] - i * size), *x.shape[1:]), x.strides, x.size, node, i, is_view=True)
        for i in range(number)
    ]


def contiguous_gradient(tape: Tape, x: Tensor) -> Tensor:
    """Return x; its gradient is made contiguous."""
    node = tape.node([x], _ordered_back)
    return Tensor(x.storage, x.shape, x.strides, x.size, node) if node else x


def _ordered_back(tape: Tape, gradients: Any, saved: Any) -> Gradients:
    (gradient,) = gradients
    return [gradient if gradient.is_contiguous else tape.new(gradient.shape, gradient.size)]
