"""Products: what convolutions, matrix products and linear layers allocate and save."""

from math import prod
from typing import Any

from lambda_arch.arch.evaluation_shapes import gradient_parts
from lambda_arch.costs.tape.records import Gradients, Operand, fresh, lowered, made, new_maps
from lambda_arch.costs.tape.strides import Shape, is_channels_last
from lambda_arch.costs.tape.tape import FLOAT, Parameter, Tape, Tensor
from lambda_arch.costs.tape.views import expand, ordered, reshape


def convolution(tape: Tape, x: Tensor, weight: Operand, sides: tuple[int, int], bias: Operand | None = None) -> Tensor:
    """Return the convolution of x (b, c, H, W) to maps of ``sides``; ``weight`` (d, c / groups, rows, columns)."""
    x, weight, bias = lowered(tape, x), lowered(tape, weight), lowered(tape, bias)
    inputs = [x, weight, bias]
    node = tape.node(inputs, fresh(inputs))
    tape.save(node, x, weight)
    layout = x
    if isinstance(weight, Tensor) and is_channels_last(weight.shape, weight.strides):
        layout = weight  # torch takes the channels last of either
    return made(new_maps(tape, layout, (x.shape[0], weight.shape[0], *sides), x.size), node)


def bmm(tape: Tape, a: Any, b: Any) -> Tensor:
    """Return the products of matrices a (..., n, m) and b (..., m, l), of as many dimensions each."""
    a, b = lowered(tape, a), lowered(tape, b)
    node = tape.node([a, b], fresh([a, b]))
    tape.save(node, a if b.node is not None else None, b if a.node is not None else None)
    return made(tape.new((*a.shape[:-1], b.shape[-1]), a.size), node)


def matmul(tape: Tape, a: Tensor, b: Tensor) -> Tensor:
    """Return ``torch.matmul`` of operands of three dimensions or more: expanded, reshaped to three, multiplied."""
    a, b = lowered(tape, a), lowered(tape, b)
    batch = tuple(map(max, zip(_padded(a.shape[:-2], b), _padded(b.shape[:-2], a), strict=True)))
    flat = prod(batch)
    rows, columns = a.shape[-2], b.shape[-1]
    left = reshape(tape, expand(tape, a, (*batch, *a.shape[-2:])), (flat, *a.shape[-2:]))
    right = reshape(tape, expand(tape, b, (*batch, *b.shape[-2:])), (flat, *b.shape[-2:]))
    del a, b
    return reshape(tape, bmm(tape, left, right), (*batch, rows, columns))


def _padded(batch: Shape, other: Tensor) -> Shape:
    return (1,) * (len(other.shape) - 2 - len(batch)) + batch


def linear(tape: Tape, x: Tensor, weight: Parameter, bias: Parameter) -> Tensor:
    """Return a linear layer of x (b, c); ``weight`` (d, c)."""
    x, w, bias = lowered(tape, x), lowered(tape, weight), lowered(tape, bias)
    node = tape.node([x, w, bias], fresh([x, w, bias]))
    tape.save(node, x, w)
    return made(tape.new((x.shape[0], w.shape[0]), x.size), node)


def fused(tape: Tape, queries: Tensor, shared: Tensor, values: Tensor, near: Operand) -> Tensor:
    """Return outputs of the fused kernel, which saves its operands and never writes lambdas."""
    operands = [ordered(tape, each) if isinstance(each, Tensor) else each for each in (queries, shared, values, near)]
    b, h, k, n = queries.shape
    v, u, height = values.shape[1:4]
    rows, columns = near.shape[2:]

    def backward(tape: Tape, gradients: Any, saved: Any) -> Gradients:
        parts = tape.new((gradient_parts(b, height, rows, u), u, rows, columns, k), FLOAT)
        found = _fresh_sizes(tape, sizes)
        del parts
        return found

    sizes = [(each.shape, each.size) for each in operands]
    node = tape.node(operands, backward)
    tape.save(node, *operands)
    return made(tape.new((b, h, v, n), values.size), node)


def _fresh_sizes(tape: Tape, sizes: Any) -> list[Tensor]:
    return [tape.new(*each) for each in sizes]
