"""What the evaluations of a lambda layer between its projections and its output allocate (``nn.evaluation``)."""

from collections.abc import Callable
from functools import partial

from lambda_arch.arch.evaluation import Evaluation
from lambda_arch.arch.evaluation_shapes import LARGE, fft_period, fold_factor
from lambda_arch.costs.tape import operations as op
from lambda_arch.costs.tape.tape import FLOAT, Parameter, Tape, Tensor

COMPLEX = 8


def evaluate(
    tape: Tape,
    evaluation: Evaluation,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    kernel: Parameter | None,
    bias: Parameter | None,
) -> Tensor:
    """Return outputs (b, h, v, n), as :func:`lambda_arch.nn.evaluation.evaluate`."""
    run: Callable[..., Tensor] = partial(_run, tape, evaluation, kernel, bias)
    gathered = None
    if evaluation.recompute and tape.recording:
        run = partial(tape.checkpoint, run)
    elif kernel is not None:
        gathered = _maps(tape, evaluation, kernel, values.shape[-2], values.shape[-1])
    size = _group(tape, evaluation, queries, values, kernel)
    if size >= queries.shape[0]:
        outputs = run(queries, weights, values, gathered)
    else:
        outputs = _in_groups(tape, run, size, queries, weights, values, gathered)
    return outputs if outputs.size == queries.size or tape.low != FLOAT else op.to(tape, outputs, queries.size)


def _in_groups(
    tape: Tape,
    run: Callable[..., Tensor],
    size: int,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    gathered: Tensor | None,
) -> Tensor:
    number = -(-queries.shape[0] // size)
    nothing: list[Tensor | None] = [None] * number
    of_queries, of_values = op.split(tape, queries, size), op.split(tape, values, size)
    of_weights = nothing if weights is None else op.split(tape, weights, size)
    groups = [run(*each, gathered) for each in zip(of_queries, of_weights, of_values, strict=True)]
    return op.copied(tape, groups, (queries.shape[0], *groups[0].shape[1:]))


def _group(tape: Tape, evaluation: Evaluation, queries: Tensor, values: Tensor, kernel: Parameter | None) -> int:
    """Return how many images are evaluated at once: on CPUs no tensor is over ``LARGE`` bytes."""
    b, h, k, n = queries.shape
    if kernel is None or tape.device != "cpu":
        return b
    v, u, height, width = values.shape[1:]
    rows, columns = kernel.shape[2:]
    most = v * k * n
    if evaluation.order == "queries_first":
        most = h * u * n**2
    elif evaluation.order == "fft":
        down, right = fft_period((rows, columns), height, width)
        most = v * k * down * (right // 2 + 1) * 2
    elif evaluation.order == "folded":
        reach = min(columns, 2 * width - 1)
        f = fold_factor(reach)
        most = v * max(k * n, u * f * height * (width + reach + -reach % f - f))
    at_once = max(1, LARGE // (most * max(4, values.size)))
    groups = max(1, -(-b // at_once))
    return max(1, -(-b // groups))


def _run(
    tape: Tape,
    evaluation: Evaluation,
    kernel: Parameter | None,
    bias: Parameter | None,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    gathered: Tensor | None,
) -> Tensor:
    height, width = values.shape[-2:]
    if gathered is None and kernel is not None:
        gathered = _maps(tape, evaluation, kernel, height, width)
    if kernel is not None and evaluation.order == "queries_first":
        assert gathered is not None
        return _queries_first(tape, queries, weights, values, gathered, bias)
    shared = _shared(tape, weights, values, bias)
    if kernel is None:
        assert shared is not None
        b, h, k, _ = queries.shape
        per_head = op.reshape(tape, shared, (b, 1, values.shape[1], k))
        return op.matmul(tape, op.expand(tape, per_head, (b, h, values.shape[1], k)), queries)
    if evaluation.order == "fused":
        return _fused(tape, queries, shared, values, kernel)
    lambdas = _lambdas(tape, evaluation.order, values, kernel, gathered)
    if shared is not None:
        lambdas = op.add(tape, lambdas, op.reshape(tape, shared, (*shared.shape, 1)), in_place=True)
    del shared
    return _apply(tape, evaluation.apply, queries, lambdas)


def _lambdas(tape: Tape, order: str, values: Tensor, kernel: Parameter, gathered: Tensor | None) -> Tensor:
    b, v, u, height, width = values.shape
    k, n = kernel.shape[0], height * width
    if order == "matrix":
        assert gathered is not None
        found = op.bmm(tape, op.reshape(tape, values, (b * v, u * n)), gathered)
    elif order == "folded":
        assert gathered is not None
        found = _folded(tape, values, gathered, min(kernel.shape[3], 2 * width - 1))
    elif order == "fft":
        assert gathered is not None
        return _fft(tape, values, kernel, gathered)
    else:
        flat = op.reshape(tape, values, (b * v, u, height, width))
        found = op.convolution(tape, flat, _crop(tape, kernel, height, width), (height, width))
    return op.reshape(tape, found, (b, v, k, n))


def _shared(tape: Tape, weights: Tensor | None, values: Tensor, bias: Parameter | None) -> Tensor | None:
    b, v = values.shape[:2]
    shared = None
    if weights is not None:
        flat = op.reshape(tape, weights, (*weights.shape[:2], weights.shape[2] * weights.shape[3]))
        shared = op.bmm(tape, op.reshape(tape, values, (b, v, flat.shape[-1])), op.transpose(tape, flat, 1, 2))
    if bias is None:
        return shared
    row = op.to(tape, op.whole(tape, bias), values.size)
    return op.expand(tape, row, (b, v, *row.shape)) if shared is None else op.add(tape, shared, row)


def _apply(tape: Tape, apply: str, queries: Tensor, lambdas: Tensor) -> Tensor:
    size = queries.size
    if apply == "product":
        lambdas = op.to(tape, lambdas, size)
        of_position = op.ordered(tape, op.permute(tape, queries, 0, 3, 1, 2))
        per_position = op.ordered(tape, op.permute(tape, lambdas, 0, 3, 2, 1))
        return op.permute(tape, op.matmul(tape, of_position, per_position), 0, 2, 3, 1)
    if apply == "accumulate":
        return op.to(tape, op.accumulated(tape, queries, lambdas), size)
    queries, lambdas = op.to(tape, queries, FLOAT), op.to(tape, lambdas, FLOAT)
    b, h, k, n = queries.shape
    terms = op.multiply(
        tape,
        op.reshape(tape, queries, (b, h, 1, k, n)),
        op.reshape(tape, lambdas, (b, 1, lambdas.shape[1], k, n)),
    )
    return op.to(tape, op.summed(tape, terms, 3), size)


def _crop(tape: Tape, kernel: Parameter, height: int, width: int) -> Tensor | Parameter:
    rows, columns = kernel.shape[2:]
    down, right = max(0, rows // 2 - height + 1), max(0, columns // 2 - width + 1)
    if not (down or right):
        return kernel
    near = op.whole(tape, kernel)
    if down:
        near = op.part_of(tape, near, 2, rows - 2 * down)
    return op.part_of(tape, near, 3, columns - 2 * right) if right else near


def _maps(tape: Tape, evaluation: Evaluation, kernel: Parameter, height: int, width: int) -> Tensor | None:
    """Return what an order gathers from the embeddings for a map's size."""
    k, u = kernel.shape[:2]
    n = height * width
    if evaluation.order in ("matrix", "queries_first"):
        padded = op.copied(tape, [kernel], (k, u, 2 * height - 1, 2 * width - 1))
        flipped = op.copied(tape, [padded], (k, u, height, width, height, width))
        del padded
        if evaluation.order == "matrix":
            return op.reshape(tape, op.permute(tape, flipped, 1, 4, 5, 0, 2, 3), (u * n, k * n))
        return op.reshape(tape, op.permute(tape, flipped, 2, 3, 0, 1, 4, 5), (n, k, u * n))
    if evaluation.order == "folded":
        near = _crop(tape, kernel, height, width)
        return _fold(tape, near)
    if evaluation.order == "fft":
        rows, columns = fft_period(kernel.shape[2:], height, width)
        near = op.copied(tape, [_crop(tape, kernel, height, width)], (k, u, rows, columns))
        near = op.copied(tape, [near], near.shape)
        spectra = op.transformed(tape, near, (k, u, rows, columns // 2 + 1))
        return op.copied(tape, [spectra], spectra.shape)
    return None


def _fold(tape: Tape, near: Tensor | Parameter) -> Tensor:
    k, u, rows, columns = near.shape
    f = fold_factor(columns)
    wide = columns + -columns % f
    padded = op.copied(tape, [near], (k, u, rows, wide))
    parts = op.reshape(tape, padded, (k, u, rows, wide // f, f))
    return op.reshape(tape, op.permute(tape, parts, 0, 1, 4, 2, 3), (k, u * f, rows, wide // f))


def _folded(tape: Tape, values: Tensor, maps: Tensor, columns: int) -> Tensor:
    b, v, u, height, width = values.shape
    f, groups = fold_factor(columns), maps.shape[3]
    flat = op.reshape(tape, values, (b * v, u, height, width))
    padded = op.copied(tape, [flat], (b * v, u, height, width + f * groups - 1))
    length = width + f * (groups - 1)
    windows = op.permute(tape, op.unfolded(tape, padded, length), 0, 1, 3, 2, 4)
    shifted = op.reshape(tape, windows, (b * v, u * f, height, length))
    del padded, flat, windows
    return op.convolution(tape, shifted, maps, (height, width))


def _fft(tape: Tape, values: Tensor, kernel: Parameter, maps: Tensor) -> Tensor:
    b, v, u, height, width = values.shape
    k = kernel.shape[0]
    rows, columns = fft_period(kernel.shape[2:], height, width)
    half = columns // 2 + 1
    wide = op.to(tape, values, FLOAT)
    padded = wide if (rows, columns) == (height, width) else op.copied(tape, [wide], (b, v, u, rows, columns))
    spectra = op.transformed(tape, padded, (b, v, u, rows, half))
    del wide, padded
    if u > 1:
        left = op.reshape(tape, op.permute(tape, spectra, 3, 4, 0, 1, 2), (rows * half, b * v, u))
        right = op.reshape(tape, op.permute(tape, maps, 2, 3, 1, 0), (rows * half, u, k))
        del spectra
        products = op.permute(tape, op.reshape(tape, op.bmm(tape, left, right), (rows, half, b, v, k)), 2, 3, 4, 0, 1)
        del left, right
    else:
        products = op.multiply(tape, spectra, op.reshape(tape, maps, (k, rows, half)))
        del spectra
    once = op.copied(tape, [products], (b, v, k, rows, half), COMPLEX)
    del products
    found = op.copied(tape, [once], (b, v, k, rows, columns), FLOAT)
    del once
    if (rows, columns) != (height, width):
        found = op.copied(tape, [found], (b, v, k, height * width))
    return op.to(tape, op.reshape(tape, found, (b, v, k, height * width)), values.size)


def _queries_first(
    tape: Tape,
    queries: Tensor,
    weights: Tensor | None,
    values: Tensor,
    gathered: Tensor,
    bias: Parameter | None,
) -> Tensor:
    b, h, k, n = queries.shape
    v, u = values.shape[1:3]
    by_position = op.reshape(tape, op.ordered(tape, op.permute(tape, queries, 3, 0, 1, 2)), (n, b * h, k))
    attention = op.reshape(tape, op.bmm(tape, by_position, gathered), (n, b, h, u * n))
    del by_position
    attention = op.permute(tape, attention, 1, 2, 0, 3)
    if weights is not None:
        rows = op.reshape(tape, op.transpose(tape, queries, 2, 3), (b, h * n, k))
        content = op.bmm(tape, rows, op.reshape(tape, weights, (b, k, u * n)))
        del rows
        attention = op.add(tape, op.reshape(tape, content, (b, h, n, u * n)), attention, in_place=True)
        del content
    rows = op.reshape(tape, attention, (b, h * n, u * n))
    flat = op.reshape(tape, values, (b, v, u * n))
    outputs = op.bmm(tape, flat, op.transpose(tape, rows, 1, 2))
    outputs = op.transpose(tape, op.reshape(tape, outputs, (b, v, h, n)), 1, 2)
    if bias is None:
        return outputs
    column = op.reshape(tape, op.to(tape, op.whole(tape, bias), queries.size), (k, 1))
    terms = op.multiply(tape, queries, column)
    return op.add(tape, outputs, op.reshape(tape, op.summed(tape, terms, 2), (b, h, 1, n)))


def _fused(tape: Tape, queries: Tensor, shared: Tensor | None, values: Tensor, kernel: Parameter) -> Tensor:
    b, v, _, height, width = values.shape
    k, n = kernel.shape[0], height * width
    near = op.to(tape, op.whole(tape, kernel), values.size)
    near_ = near if near.size != FLOAT else _crop(tape, kernel, height, width)
    shared = tape.new((b, v, k), values.size) if shared is None else shared
    queries, shared = op.to(tape, queries, values.size), op.to(tape, shared, values.size)
    if tape.device == "cuda":
        return op.fused(tape, queries, shared, values, near_)
    lambdas = op.reshape(tape, _folded(tape, values, _fold(tape, near_), near_.shape[3]), (b, v, k, n))
    lambdas = op.add(tape, lambdas, op.reshape(tape, shared, (b, v, k, 1)))
    return _apply(tape, "product", queries, lambdas)
