"""Operations on tensors without elements: what each allocates, saves, and allocates again in its backward pass."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

from lambda_arch.costs.tape.strides import Shape, channels_last, contiguous, is_channels_last, like, viewed
from lambda_arch.costs.tape.tape import FLOAT, LONG, Node, Parameter, Tape, Tensor

Gradients = Sequence[Tensor | None]
Operand = Tensor | Parameter


def _fresh(inputs: Sequence[Operand | None]) -> Callable[[Tape, Any, Any], Gradients]:
    """Return a backward pass that allocates a contiguous gradient of each input that needs one."""
    sizes = [None if each is None or each.node is None else (each.shape, each.size, _strides(each)) for each in inputs]

    def backward(tape: Tape, gradients: Any, saved: Any) -> Gradients:
        return [None if size is None else tape.new(*size) for size in sizes]

    return backward


def _strides(x: Operand) -> Shape | None:
    return channels_last(x.shape) if isinstance(x, Tensor) and is_channels_last(x.shape, x.strides) else None


def _maps(tape: Tape, x: Tensor, shape: Shape, size: int) -> Tensor:
    """Return new maps (b, d, H, W), in the memory format of x."""
    return tape.new(shape, size, channels_last(shape) if is_channels_last(x.shape, x.strides) else None)


def _same(tape: Tape, gradients: Any, saved: Any) -> Gradients:
    return [gradients[0]]


def _made(tensor: Tensor, node: Node | None) -> Tensor:
    tensor.node = node
    return tensor


# casts


def to(tape: Tape, x: Tensor, size: int) -> Tensor:
    """Return ``x`` with elements of another size."""
    if x.size == size:
        return x
    node = tape.node([x], partial(_cast_back, size=x.size))
    return _made(tape.new(x.shape, size, like(x.shape, x.strides)), node)


def _cast_back(tape: Tape, gradients: Any, saved: Any, *, size: int) -> Gradients:
    (gradient,) = gradients
    return [tape.new(gradient.shape, size, like(gradient.shape, gradient.strides))]


def lowered(tape: Tape, x: Any) -> Any:
    """Return an operand of a product in the dtype of autocast; parameters are cast once a step."""
    if tape.low == FLOAT or x is None or x.size == tape.low:
        return x
    if isinstance(x, Tensor):
        return to(tape, x, tape.low)
    if x not in tape.cast:
        tape.cast[x] = _made(tape.new(x.shape, tape.low), tape.node([x], partial(_cast_back, size=x.size)))
    return tape.cast[x]


# products


def convolution(tape: Tape, x: Tensor, weight: Operand, sides: tuple[int, int], bias: Operand | None = None) -> Tensor:
    """Return the convolution of x (b, c, H, W) to maps of ``sides``; ``weight`` (d, c / groups, rows, columns)."""
    x, weight, bias = lowered(tape, x), lowered(tape, weight), lowered(tape, bias)
    inputs = [x, weight, bias]
    node = tape.node(inputs, _fresh(inputs))
    tape.save(node, x, weight)
    return _made(_maps(tape, x, (x.shape[0], weight.shape[0], *sides), x.size), node)


def bmm(tape: Tape, a: Any, b: Any) -> Tensor:
    """Return the products of matrices a (..., n, m) and b (..., m, l), of as many dimensions each."""
    a, b = lowered(tape, a), lowered(tape, b)
    node = tape.node([a, b], _fresh([a, b]))
    tape.save(node, a if b.node is not None else None, b if a.node is not None else None)
    return _made(tape.new((*a.shape[:-1], b.shape[-1]), a.size), node)


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
    node = tape.node([x, w, bias], _fresh([x, w, bias]))
    tape.save(node, x, w)
    return _made(tape.new((x.shape[0], w.shape[0]), x.size), node)


# norms, activations, arithmetic


def batch_norm(tape: Tape, x: Tensor, weight: Parameter, bias: Parameter) -> Tensor:
    """Return a batch norm of x (b, c, H, W); statistics of the batch are saved in training."""
    node = tape.node([x, weight, bias], _fresh([x, weight, bias]))
    tape.save(node, x)
    out = _made(_maps(tape, x, x.shape, x.size), node)
    statistics = [tape.new((x.shape[1],)) for _ in range(2 if tape.training else 0)]
    tape.save(node, *statistics)
    return out


def relu_(tape: Tape, x: Tensor) -> Tensor:
    """Return the ReLU of x, in place; its output is saved."""
    return _saving_output(tape, x, x.storage)


def sigmoid(tape: Tape, x: Tensor) -> Tensor:
    """Return the sigmoid of x; its output is saved."""
    return _saving_output(tape, x)


def softmax(tape: Tape, x: Tensor) -> Tensor:
    """Return a softmax of x; its output is saved, contiguous. On GPUs autocast computes it in float32."""
    if tape.device == "cuda" and tape.low != FLOAT:
        x = to(tape, x, FLOAT)
    node = tape.node([x], _fresh([x]))
    out = tape.new(x.shape, x.size)
    tape.save(node, out)
    return _made(out, node)


def _saving_output(tape: Tape, x: Tensor, storage: Any = None) -> Tensor:
    node = tape.node([x], _elementwise)
    out = (
        Tensor(storage, x.shape, x.strides, x.size) if storage else tape.new(x.shape, x.size, like(x.shape, x.strides))
    )
    tape.save(node, out)
    return _made(out, node)


def _elementwise(tape: Tape, gradients: Any, saved: Any) -> Gradients:
    (gradient,) = gradients
    return [tape.new(gradient.shape, gradient.size, like(gradient.shape, gradient.strides))]


def silu_(tape: Tape, x: Tensor) -> Tensor:
    """Return the SiLU of x, in place; a copy of its input is saved."""
    node = tape.node([x], _elementwise)
    if node is not None:
        tape.save(node, tape.new(x.shape, x.size, like(x.shape, x.strides)))
    return Tensor(x.storage, x.shape, x.strides, x.size, node)


def scaled(tape: Tape, x: Tensor) -> Tensor:
    """Return x times a number."""
    return _made(tape.new(x.shape, x.size, like(x.shape, x.strides)), tape.node([x], _elementwise))


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
    return _made(tape.new(shape, size, _laid_out(shape, a, b)), node)


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
    return _made(tape.new(shape, max(a.size, b.size), _laid_out(shape, a, b)), node)


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


# pools


def max_pool(tape: Tape, x: Tensor, side: int) -> Tensor:
    """Return a max-pool of x to maps of ``side``; its input and the indices of the maxima are saved."""
    node = tape.node([x], _fresh([x]))
    tape.save(node, x)
    out = _made(_maps(tape, x, (*x.shape[:2], side, side), x.size), node)
    tape.save(node, tape.new(out.shape, LONG))
    return out


def average_pool(tape: Tape, x: Tensor, side: int) -> Tensor:
    """Return an average-pool of x to maps of ``side``; its input is saved."""
    node = tape.node([x], _fresh([x]))
    tape.save(node, x)
    return _made(_maps(tape, x, (*x.shape[:2], side, side), x.size), node)


def mean(tape: Tape, x: Tensor) -> Tensor:
    """Return the mean of each map of x (b, c, H, W), as (b, c, 1, 1)."""
    return _made(tape.new((*x.shape[:2], 1, 1), x.size), tape.node([x], _fresh([x])))


def upsample(tape: Tape, x: Tensor, side: int) -> Tensor:
    """Return x interpolated to maps of ``side``."""
    return _made(tape.new((*x.shape[:2], side, side), x.size), tape.node([x], _fresh([x])))


# views


def reshape(tape: Tape, x: Tensor, shape: Shape) -> Tensor:
    """Return x in another shape, a view where that is possible, else a copy."""
    if x.shape == shape:
        return x
    strides = viewed(x.shape, x.strides, shape)
    node = tape.node([x], partial(_reshape_back, shape=x.shape))
    if strides is None:
        return _made(tape.new(shape, x.size), node)
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
    return x if x.is_contiguous else _made(tape.new(x.shape, x.size), tape.node([x], _same))


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
    return Tensor(x.storage, shape, x.strides, x.size, tape.node([x], _fresh([x])))


def unfolded(tape: Tape, x: Tensor, length: int) -> Tensor:
    """Return a view of all windows of ``length`` elements of the last dimension, (..., windows, length)."""
    shape = (*x.shape[:-1], x.shape[-1] - length + 1, length)
    strides = (*x.strides, x.strides[-1])
    return Tensor(x.storage, shape, strides, x.size, tape.node([x], _fresh([x])), is_view=True)


def transformed(tape: Tape, x: Tensor, shape: Shape) -> Tensor:
    """Return the spectra of real numbers x; x is saved."""
    node = tape.node([x], _fresh([x]))
    tape.save(node, x)
    return _made(tape.new(shape, 2 * x.size), node)


def copied(tape: Tape, inputs: Sequence[Operand], shape: Shape, size: int | None = None) -> Tensor:
    """Return a new tensor computed from ``inputs`` by an operation that saves nothing."""
    size = max(each.size for each in inputs) if size is None else size
    return _made(tape.new(shape, size), tape.node(inputs, _fresh(inputs)))


def whole(tape: Tape, weight: Parameter) -> Tensor:
    """Return a parameter as a tensor, for views of it; its storage is counted with the weights."""
    return Tensor(tape.nothing, weight.shape, contiguous(weight.shape), weight.size, weight if tape.recording else None)


def gather(tape: Tape, x: Tensor, shape: Shape, index: Tensor) -> Tensor:
    """Return elements of x, chosen by an ``index``; both are saved."""
    node = tape.node([x], _fresh([x]))
    tape.save(node, x, index)
    return _made(tape.new(shape, x.size), node)


def indexed(tape: Tape, weight: Parameter, shape: Shape, index: Sequence[Tensor]) -> Tensor:
    """Return embeddings gathered by indices, which are saved."""
    node = tape.node([weight], _fresh([weight]))
    tape.save(node, *index)
    return _made(tape.new(shape, weight.size), node)


def contiguous_gradient(tape: Tape, x: Tensor) -> Tensor:
    """Return x; its gradient is made contiguous."""
    node = tape.node([x], _ordered_back)
    return Tensor(x.storage, x.shape, x.strides, x.size, node) if node else x


def _ordered_back(tape: Tape, gradients: Any, saved: Any) -> Gradients:
    (gradient,) = gradients
    return [gradient if gradient.is_contiguous else tape.new(gradient.shape, gradient.size)]


def normalized(tape: Tape, x: Tensor) -> Tensor:
    """Return x over its norm along the last dimension: x and the norm, before and after its bound, are saved."""
    short = (*x.shape[:-1], 1)
    node = tape.node([x], _fresh([x]))
    tape.save(node, x, tape.new(short, x.size))
    return multiply(tape, x, _made(tape.new(short, x.size), node))


def summed(tape: Tape, x: Tensor, dim: int) -> Tensor:
    """Return the sum over a dimension; its gradient is expanded, without memory."""
    shape = (*x.shape[:dim], *x.shape[dim + 1 :])
    return _made(tape.new(shape, x.size), tape.node([x], partial(_summed_back, shape=x.shape, dim=dim)))


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
    of_channel, per_channel = (tape.node([each], _fresh([each]), outputs=k) for each in (queries, lambdas))
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


def split(tape: Tape, x: Tensor, size: int) -> list[Tensor]:
    """Return views of at most ``size`` images each; their gradients are concatenated."""
    number = -(-x.shape[0] // size)
    node = tape.node([x], _fresh([x]), outputs=number)
    return [
        Tensor(x.storage, (min(size, x.shape[0] - i * size), *x.shape[1:]), x.strides, x.size, node, i, is_view=True)
        for i in range(number)
    ]


def fused(tape: Tape, queries: Tensor, shared: Tensor, values: Tensor, near: Operand) -> Tensor:
    """Return outputs of the fused kernel, which saves its operands and writes no lambdas in the forward pass."""
    operands = [ordered(tape, each) if isinstance(each, Tensor) else each for each in (queries, shared, values, near)]
    b, h, k, n = queries.shape
    v = values.shape[1]

    def backward(tape: Tape, gradients: Any, saved: Any) -> Gradients:
        of_queries = tape.new((b, h, k, n), queries_size)
        of_lambdas = tape.new((b, v, k, n), queries_size)
        found = _fresh_sizes(tape, sizes)
        del of_lambdas
        return [of_queries, *found]

    queries_size = queries.size
    sizes = [(each.shape, each.size) for each in operands[1:]]
    node = tape.node(operands, backward)
    tape.save(node, *operands)
    return _made(tape.new((b, h, v, n), values.size), node)


def _fresh_sizes(tape: Tape, sizes: Any) -> list[Tensor]:
    return [tape.new(*each) for each in sizes]


def cross_entropy(tape: Tape, logits: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits (b, classes), in float32; labels are 8 bytes an image."""
    wide = to(tape, logits, FLOAT)
    node = tape.node([wide], _elementwise)
    normed = tape.new(wide.shape)
    tape.save(node, normed)
    normed.node = node
    del wide
    node = tape.node([normed], _fresh([normed]))
    tape.save(node, tape.new(()))
    return _made(tape.new(()), node)
