"""Element-wise operations: what they allocate and save, and the gradients of operands that broadcast."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from lambda_arch.costs.tape.records import Gradients, elementwise_back, fresh, made, to
from lambda_arch.costs.tape.strides import Shape, contiguous, like
from lambda_arch.costs.tape.tape import FLOAT, Tape, Tensor


def relu_(tape: Tape, x: Tensor) -> Tensor:
    """Return the ReLU of x, in place; its output is saved."""
    return _saving_output(tape, x, x.storage)


def sigmoid(tape: Tape, x: Tensor) -> Tensor:
    """Return the sigmoid of x; its output is saved."""
    return _saving_output(tape, x)


def _saving_output(tape: Tape, x: Tensor, storage: Any = None) -> Tensor:
    node = tape.node([x], elementwise_back)
    out = (
        Tensor(storage, x.shape, x.strides, x.size) if storage else tape.new(x.shape, x.size, like(x.shape, x.strides))
    )
    tape.save(node, out)
    return made(out, node)


def silu_(tape: Tape, x: Tensor) -> Tensor:
    """Return the SiLU of x, in place; a copy of its input is saved."""
    node = tape.node([x], elementwise_back)
    if node is not None:
        tape.save(node, tape.new(x.shape, x.size, like(x.shape, x.strides)))
    return Tensor(x.storage, x.shape, x.strides, x.size, node)


def scaled(tape: Tape, x: Tensor) -> Tensor:
    """Return x times a number."""
    return made(tape.new(x.shape, x.size, like(x.shape, x.strides)), tape.node([x], elementwise_back))


def multiply(tape: Tape, a: Tensor, b: Tensor) -> Tensor:
    """Return a * b, which broadcast."""
    shape = broadcast(a.shape, b.shape)
    size = max(a.size, b.size)
    sides = [(each.shape, each.size, each.node is not None) for each in (a, b)]

    def backward(tape: Tape, gradients: Any, saved: Any) -> Gradients:
        products = [tape.new(shape, size) if needed else None for _, _, needed in sides]
        return _reduced(tape, products, [(own, own_size) for own, own_size, _ in sides])

    node = tape.node([a, b], backward)
    tape.save(node, a if b.node is not None else None, b if a.node is not None else None)
    return made(tape.new(shape, size, _laid_out(shape, a, b)), node)


def _reduced(tape: Tape, products: list[Tensor | None], sizes: Sequence[tuple[Shape, int]]) -> list[Tensor | None]:
    """Return gradients summed to the shapes of the operands, one after the other, all products alive at first."""
    for i, (shape, size) in enumerate(sizes):
        product, products[i] = products[i], None
        if product is not None and (product.shape, product.size) != (shape, size):
            product = tape.new(shape, size)
        products[i] = product
    return products


def add(tape: Tape, a: Tensor, b: Tensor, *, in_place: bool = False) -> Tensor:
    """Return a + b, which broadcast; ``in_place`` in a's storage."""
    shape = broadcast(a.shape, b.shape)
    sides = [(each.shape, each.size) for each in (a, b)]

    def backward(tape: Tape, gradients: Any, saved: Any) -> Gradients:
        (gradient,) = gradients
        found = []
        for own, size in sides:
            each = gradient if own == shape else tape.new(own, gradient.size)
            found.append(each.detached() if each.size == size else tape.new(own, size))
        return found

    if in_place:
        node = tape.node([a, b], partial(_copy_slices, backward=backward) if a.is_view else backward)
        return Tensor(a.storage, shape, a.strides, a.size, node, is_view=a.is_view)
    node = tape.node([a, b], backward)
    return made(tape.new(shape, max(a.size, b.size), _laid_out(shape, a, b)), node)


def _copy_slices(tape: Tape, gradients: Any, saved: Any, *, backward: Any) -> Gradients:
    """Return the gradients of an operation in place on a view: autograd copies the gradient twice (CopySlices)."""
    (gradient,) = gradients
    whole = tape.new(gradient.shape, gradient.size)
    found = list(backward(tape, [tape.new(gradient.shape, gradient.size)], saved))
    found[0] = whole
    return found


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape to which two shapes broadcast."""
    length = max(len(a), len(b))
    a, b = (1,) * (length - len(a)) + a, (1,) * (length - len(b)) + b
    return tuple(map(max, zip(a, b, strict=True)))


def _laid_out(shape: Shape, *operands: Tensor) -> Shape:
    """Return the strides of an element-wise result: those of the first operand of its shape."""
    for each in operands:
        if each.shape == shape:
            return like(shape, each.strides)
    return contiguous(shape)


def summed(tape: Tape, x: Tensor, dim: int) -> Tensor:
    """Return the sum over a dimension; its gradient is expanded, without memory."""
    shape = (*x.shape[:dim], *x.shape[dim + 1 :])
    return made(tape.new(shape, x.size), tape.node([x], partial(_summed_back, shape=x.shape, dim=dim)))


def _summed_back(tape: Tape, gradients: Any, saved: Any, *, shape: Shape, dim: int) -> Gradients:
    (gradient,) = gradients
    strides = (*gradient.strides[:dim], 0, *gradient.strides[dim:])
    return [Tensor(gradient.storage, shape, strides, gradient.size)]


def accumulated(tape: Tape, queries: Tensor, lambdas: Tensor) -> Tensor:
    """Return the sum over k of queries (b, h, k, n) times lambdas (b, v, k, n), term by term, in float32.

    The terms are views of their operands; the backward pass keeps the gradients of all terms, then stacks them.
    """
    b, h, k, n = queries.shape
    v = lambdas.shape[1]
    of_channel, per_channel = (tape.node([each], fresh([each]), outputs=k) for each in (queries, lambdas))
    total: Tensor | None = None
    for i in range(k):
        terms = [
            Tensor(each.storage, shape, each.strides, each.size, node, i)
            for each, node, shape in (
                (queries, of_channel, (b, h, 1, n)),
                (lambdas, per_channel, (b, 1, v, n)),
            )
        ]
        if total is None:
            total = multiply(tape, to(tape, terms[0], FLOAT), terms[1])
            continue
        node = tape.node([total, *terms], partial(_addcmul_back, sizes=[(each.shape, each.size) for each in terms]))
        tape.save(node, *terms)
        total = Tensor(total.storage, total.shape, total.strides, total.size, node)
    assert total is not None
    return total


def _addcmul_back(tape: Tape, gradients: Any, saved: Any, *, sizes: Any) -> Gradients:
    (gradient,) = gradients
    products: list[Tensor | None] = [tape.new(gradient.shape, gradient.size) for _ in sizes]
    return [gradient, *_reduced(tape, products, sizes)]


def normalized(tape: Tape, x: Tensor) -> Tensor:
    """Return x over its norm along the last dimension: x and the norm, before and after its bound, are saved."""
    short = (*x.shape[:-1], 1)
    node = tape.node([x], fresh([x]))
    tape.save(node, x, tape.new(short, x.size))
    return multiply(tape, x, made(tape.new(short, x.size), node))
