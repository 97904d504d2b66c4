"""How operations are recorded: the gradients that a backward pass allocates, and casts of operands by autocast."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from lambda_arch.costs.tape.strides import Shape, channels_last, is_channels_last, like
from lambda_arch.costs.tape.tape import FLOAT, Node, Parameter, Tape, Tensor

Gradients = Sequence[Tensor | None]
Operand = Tensor | Parameter


def fresh(inputs: Sequence[Operand | None]) -> Callable[[Tape, Any, Any], Gradients]:
    """Return a backward pass that allocates a contiguous gradient of each input that needs one."""
    sizes = [None if each is None or each.node is None else (each.shape, each.size, _strides(each)) for each in inputs]

    def backward(tape: Tape, gradients: Any, saved: Any) -> Gradients:
        return [None if size is None else tape.new(*size) for size in sizes]

    return backward


def _strides(x: Operand) -> Shape | None:
    return channels_last(x.shape) if isinstance(x, Tensor) and is_channels_last(x.shape, x.strides) else None


def new_maps(tape: Tape, x: Tensor, shape: Shape, size: int) -> Tensor:
    """Return new maps (b, d, H, W), in the memory format of x."""
    return tape.new(shape, size, channels_last(shape) if is_channels_last(x.shape, x.strides) else None)


def passed_back(tape: Tape, gradients: Any, saved: Any) -> Gradients:
    """Return the gradient itself."""
    return [gradients[0]]


def elementwise_back(tape: Tape, gradients: Any, saved: Any) -> Gradients:
    """Return a new gradient in the layout of the given one."""
    (gradient,) = gradients
    return [tape.new(gradient.shape, gradient.size, like(gradient.shape, gradient.strides))]


def made(tensor: Tensor, node: Node | None) -> Tensor:
    """Return a tensor as the output of ``node``."""
    tensor.node = node
    return tensor


def to(tape: Tape, x: Tensor, size: int) -> Tensor:
    """Return ``x`` with elements of another size."""
    if x.size == size:
        return x
    node = tape.node([x], partial(_cast_back, size=x.size))
    return made(tape.new(x.shape, size, like(x.shape, x.strides)), node)


def _cast_back(tape: Tape, gradients: Any, saved: Any, *, size: int) -> Gradients:
    (gradient,) = gradients
    return [tape.new(gradient.shape, size, like(gradient.shape, gradient.strides))]


def lowered(tape: Tape, x: Any) -> Any:
    """Return an operand of a product in the dtype of autocast; parameters are cast once a step."""
    if tape.low == FLOAT or x is None or x.size != FLOAT:
        return x
    if isinstance(x, Tensor):
        return to(tape, x, tape.low)
    if x not in tape.cast:
        tape.cast[x] = made(tape.new(x.shape, tape.low), tape.node([x], partial(_cast_back, size=x.size)))
    return tape.cast[x]
