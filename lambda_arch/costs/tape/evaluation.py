"""What the evaluations of a lambda layer between its projections and its output allocate (``nn.evaluation``)."""

from collections.abc import Callable
from functools import partial

from lambda_arch.arch.evaluation import Evaluation
from lambda_arch.arch.evaluation_shapes import LARGE, fft_period, folding
from lambda_arch.costs.tape import copies, elementwise, products, records, views
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
    return outputs if outputs.size == queries.size or tape.low != FLOAT else records.to(tape, outputs, queries.size)


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
    of_queries, of_values = views.split(tape, queries, size), views.split(tape, values, size)
    of_weights = nothing if weights is None else views.split(tape, weights, size)
    groups = [run(*each, gathered) for each in zip(of_queries, of_weights, of_values, strict=True)]
    return copies.copied(tape, groups, (queries.shape[0], *groups[0].shape[1:]))


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
        reach = min(rows, 2 * height - 1), min(columns, 2 * width - 1)
        axis, f = folding(evaluation.fold, reach)
        other, side = (height, width) if axis else (width, height)
        most = v * max(k * n, u * f * other * (side + reach[axis] + -reach[axis] % f - f))
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
        per_head = views.reshape(tape, shared, (b, 1, values.shape[1], k))
        return products.matmul(tape, views.expand(tape, per_head, (b, h, values.shape[1], k)), queries)
    if evaluation.order == "fused":
        return _fused(tape, queries, shared, values, kernel)
    lambdas = _lambdas(tape, evaluation, values, kernel, gathered)
    if evaluation.order == "folded" and tape.device == "cpu":
        if evaluation.apply == "product":
            by_position = views.ordered(tape, views.permute(tape, lambdas, 0, 3, 1, 2))
            lambdas = views.permute(tape, by_position, 0, 2, 3, 1)
            del by_position
        else:
            lambdas = views.ordered(tape, lambdas)
    if shared is not None:
        lambdas = elementwise.add(tape, lambdas, views.reshape(tape, shared, (*shared.shape, 1)), in_place=True)
    del shared
    return _apply(tape, evaluation.apply, queries, lambdas)


def _lambdas(tape: Tape, evaluation: Evaluation, values: Tensor, kernel: Parameter, gathered: Tensor | None) -> Tensor:
    b, v, u, height, width = values.shape
    k, n, order = kernel.shape[0], height * width, evaluation.order
    if order == "matrix":
        assert gathered is not None
        found = products.bmm(tape, views.reshape(tape, values, (b * v, u * n)), gathered)
    elif order == "folded":
        assert gathered is not None
        reach = min(kernel.shape[2], 2 * height - 1), min(kernel.shape[3], 2 * width - 1)
        found = _folded(tape, values, gathered, reach, evaluation.fold)
    elif order == "fft":
        assert gathered is not None
        return _fft(tape, values, kernel, gathered)
    else:
        flat = views.reshape(tape, values, (b * v, u, height, width))
        found = products.convolution(tape, flat, _crop(tape, kernel, height, width), (height, width))
    return views.reshape(tape, found, (b, v, k, n))


def _shared(tape: Tape, weights: Tensor | None, values: Tensor, bias: Parameter | None) -> Tensor | None:
    b, v = values.shape[:2]
    shared = None
    if weights is not None:
        flat = views.reshape(tape, weights, (*weights.shape[:2], weights.shape[2] * weights.shape[3]))
        shared = products.bmm(
            tape, views.reshape(tape, values, (b, v, flat.shape[-1])), views.transpose(tape, flat, 1, 2)
        )
    if bias is None:
        return shared
    row = records.to(tape, views.whole(tape, bias), values.size)
    return views.expand(tape, row, (b, v, *row.shape)) if shared is None else elementwise.add(tape, shared, row)


def _apply(tape: Tape, apply: str, queries: Tensor, lambdas: Tensor) -> Tensor:
    size = queries.size
    if apply == "product":
        lambdas = records.to(tape, lambdas, size)
        of_position = views.ordered(tape, views.permute(tape, queries, 0, 3, 1, 2))
        per_position = views.ordered(tape, views.permute(tape, lambdas, 0, 3, 1, 2))
        outputs = products.matmul(tape, of_position, views.transpose(tape, per_position, 2, 3))
        outputs = views.permute(tape, outputs, 0, 2, 3, 1)
        return views.ordered(tape, outputs) if tape.device == "cpu" else outputs
    if apply == "accumulate":
        return records.to(tape, elementwise.accumulated(tape, queries, lambdas), size)
    queries, lambdas = records.to(tape, queries, FLOAT), records.to(tape, lambdas, FLOAT)
    b, h, k, n = queries.shape
    terms = elementwise.multiply(
        tape,
        views.reshape(tape, queries, (b, h, 1, k, n)),
        views.reshape(tape, lambdas, (b, 1, lambdas.shape[1], k, n)),
    )
    return records.to(tape, elementwise.summed(tape, terms, 3), size)


def _crop(tape: Tape, kernel: Parameter, height: int, width: int) -> Tensor | Parameter:
    rows, columns = kernel.shape[2:]
    down, right = max(0, rows // 2 - height + 1), max(0, columns // 2 - width + 1)
    if not (down or right):
        return kernel
    near = views.whole(tape, kernel)
    if down:
        near = views.part_of(tape, near, 2, rows - 2 * down)
    return views.part_of(tape, near, 3, columns - 2 * right) if right else near


def _maps(tape: Tape, evaluation: Evaluation, kernel: Parameter, height: int, width: int) -> Tensor | None:
    """Return what an order gathers from the embeddings for a map's size."""
    k, u = kernel.shape[:2]
    n = height * width
    if evaluation.order in ("matrix", "queries_first"):
        padded = copies.copied(tape, [kernel], (k, u, 2 * height - 1, 2 * width - 1))
        flipped = copies.copied(tape, [padded], (k, u, height, width, height, width))
        del padded
        if evaluation.order == "matrix":
            return views.reshape(tape, views.permute(tape, flipped, 1, 4, 5, 0, 2, 3), (u * n, k * n))
        return views.reshape(tape, views.permute(tape, flipped, 2, 3, 0, 1, 4, 5), (n, k, u * n))
    if evaluation.order == "folded":
        near = _crop(tape, kernel, height, width)
        return _fold(tape, near, evaluation.fold)
    if evaluation.order == "fft":
        rows, columns = fft_period(kernel.shape[2:], height, width)
        near = copies.copied(tape, [_crop(tape, kernel, height, width)], (k, u, rows, columns))
        near = copies.copied(tape, [near], near.shape)
        spectra = copies.transformed(tape, near, (k, u, rows, columns // 2 + 1))
        return copies.copied(tape, [spectra], spectra.shape)
    return None


def _fold(tape: Tape, near: Tensor | Parameter, fold: str = "") -> Tensor:
    k, u, rows, columns = near.shape
    axis, f = folding(fold, (rows, columns))
    if axis:
        wide = columns + -columns % f
        padded = copies.copied(tape, [near], (k, u, rows, wide))
        parts = views.reshape(tape, padded, (k, u, rows, wide // f, f))
        return views.reshape(tape, views.permute(tape, parts, 0, 1, 4, 2, 3), (k, u * f, rows, wide // f))
    high = rows + -rows % f
    padded = copies.copied(tape, [near], (k, u, high, columns))
    parts = views.reshape(tape, padded, (k, u, high // f, f, columns))
    return views.reshape(tape, views.permute(tape, parts, 0, 1, 3, 2, 4), (k, u * f, high // f, columns))


def _folded(tape: Tape, values: Tensor, maps: Tensor, reach: tuple[int, int], fold: str = "") -> Tensor:
    b, v, u, height, width = values.shape
    axis, f = folding(fold, reach)
    length = f * maps.shape[2 + axis]
    flat = views.reshape(tape, values, (b * v, u, height, width))
    sides = [height, width]
    sides[axis] += length - 1
    padded = copies.copied(tape, [flat], (b * v, u, *sides))
    sides[axis] -= f - 1
    order = (0, 1, 3, 2, 4) if axis else (0, 1, 2, 4, 3)
    windows = views.permute(tape, views.unfolded(tape, padded, 2 + axis, sides[axis]), *order)
    shifted = views.reshape(tape, windows, (b * v, u * f, *sides))
    del padded, flat, windows
    return products.convolution(tape, shifted, maps, (height, width))


def _fft(tape: Tape, values: Tensor, kernel: Parameter, maps: Tensor) -> Tensor:
    b, v, u, height, width = values.shape
    k = kernel.shape[0]
    rows, columns = fft_period(kernel.shape[2:], height, width)
    half = columns // 2 + 1
    wide = records.to(tape, values, FLOAT)
    padded = wide if (rows, columns) == (height, width) else copies.copied(tape, [wide], (b, v, u, rows, columns))
    spectra = copies.transformed(tape, padded, (b, v, u, rows, half))
    del wide, padded
    if u > 1:
        left = views.reshape(tape, views.permute(tape, spectra, 3, 4, 0, 1, 2), (rows * half, b * v, u))
        right = views.reshape(tape, views.permute(tape, maps, 2, 3, 1, 0), (rows * half, u, k))
        del spectra
        spectrum = views.permute(
            tape, views.reshape(tape, products.bmm(tape, left, right), (rows, half, b, v, k)), 2, 3, 4, 0, 1
        )
        del left, right
    else:
        spectrum = elementwise.multiply(tape, spectra, views.reshape(tape, maps, (k, rows, half)))
        del spectra
    once = copies.copied(tape, [spectrum], (b, v, k, rows, half), COMPLEX)
    del spectrum
    found = copies.copied(tape, [once], (b, v, k, rows, columns), FLOAT)
    del once
    if (rows, columns) != (height, width):
        found = copies.copied(tape, [found], (b, v, k, height * width))
    return records.to(tape, views.reshape(tape, found, (b, v, k, height * width)), values.size)


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
    by_position = views.reshape(tape, views.ordered(tape, views.permute(tape, queries, 3, 0, 1, 2)), (n, b * h, k))
    attention = views.reshape(tape, products.bmm(tape, by_position, gathered), (n, b, h, u * n))
    del by_position
    attention = views.permute(tape, attention, 1, 2, 0, 3)
    if weights is not None:
        rows = views.reshape(tape, views.transpose(tape, queries, 2, 3), (b, h * n, k))
        content = products.bmm(tape, rows, views.reshape(tape, weights, (b, k, u * n)))
        del rows
        attention = elementwise.add(tape, views.reshape(tape, content, (b, h, n, u * n)), attention, in_place=True)
        del content
    rows = views.reshape(tape, attention, (b, h * n, u * n))
    flat = views.reshape(tape, values, (b, v, u * n))
    outputs = products.bmm(tape, flat, views.transpose(tape, rows, 1, 2))
    outputs = views.transpose(tape, views.reshape(tape, outputs, (b, v, h, n)), 1, 2)
    if bias is None:
        return outputs
    column = views.reshape(tape, records.to(tape, views.whole(tape, bias), queries.size), (k, 1))
    terms = elementwise.multiply(tape, queries, column)
    return elementwise.add(tape, outputs, views.reshape(tape, elementwise.summed(tape, terms, 2), (b, h, 1, n)))


def _fused(tape: Tape, queries: Tensor, shared: Tensor | None, values: Tensor, kernel: Parameter) -> Tensor:
    b, v, _, height, width = values.shape
    k, n = kernel.shape[0], height * width
    cropped = _crop(tape, kernel, height, width)
    near = records.to(tape, cropped if isinstance(cropped, Tensor) else views.whole(tape, cropped), values.size)
    shared = tape.new((b, v, k), values.size) if shared is None else shared
    queries, shared = records.to(tape, queries, values.size), records.to(tape, shared, values.size)
    if tape.device == "cuda":
        return products.fused(tape, queries, shared, values, near)
    lambdas = views.reshape(
        tape, _folded(tape, values, _fold(tape, near), (near.shape[2], near.shape[3])), (b, v, k, n)
    )
    lambdas = elementwise.add(tape, lambdas, views.reshape(tape, shared, (b, v, k, 1)))
    return _apply(tape, "product", queries, lambdas)
