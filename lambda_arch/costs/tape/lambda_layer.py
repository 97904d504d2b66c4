"""What a lambda layer allocates, in every evaluation (:mod:`lambda_arch.nn.lambda_layer`, ``nn.evaluation``)."""

from lambda_arch.arch import Lambda, Part
from lambda_arch.costs.tape import copies, elementwise, products, records, reductions, views
from lambda_arch.costs.tape.evaluation import evaluate
from lambda_arch.costs.tape.modules import allocates, call, convolution, norm
from lambda_arch.costs.tape.tape import FLOAT, LONG, Parameter, Tape, Tensor


@allocates(Lambda)
def lambda_layer(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """A lambda layer."""
    path, layer, shape = part.path, part.settings, part.shape
    assert shape is not None
    b, _, height, width = x.shape
    k, h, u, n = shape.k, shape.h, shape.u, height * width
    v = part.dim_out // h
    queries = convolution(tape, f"{path}.queries", h * k, 1, height, x)
    values = convolution(tape, f"{path}.values", v * u, 1, height, x)
    if layer.batch_norm:
        raw = (queries, values)
        del queries, values
        normed = norm(tape, f"{path}.query_norm", raw[0])
        values = norm(tape, f"{path}.value_norm", raw[1])
        queries = normed
        del raw, normed
    queries = views.reshape(tape, _contiguous_gradient(tape, queries), (b, h, k, n))
    if layer.query_softmax:
        with tape.at(f"{path}.queries"):
            queries = reductions.softmax(tape, queries)
    values = views.reshape(tape, _contiguous_gradient(tape, values), (b, v, u, n))
    kernel, bias = _embeddings(tape, part) if layer.position else (None, None)
    evaluation = tape.evaluation(part)
    if evaluation.order != "canonical":
        weights = None
        if layer.content:
            keys = views.reshape(tape, convolution(tape, f"{path}.keys", k * u, 1, height, x), (b, k, u, n))
            with tape.at(f"{path}.content"):
                weights = _content_weights(tape, layer, keys, values.size)
        values = views.reshape(tape, values, (b, v, u, height, width))
        with tape.at(f"{path}.position"):
            outputs = evaluate(tape, evaluation, queries, weights, values, kernel, bias)
        return views.reshape(tape, outputs, (b, h * v, height, width))
    found: list[Tensor] = []
    if layer.content:
        keys = views.reshape(tape, convolution(tape, f"{path}.keys", k * u, 1, height, x), (b, k, u, n))
        with tape.at(f"{path}.content"):
            lambdas = call(_content, tape, layer, keys, values)
        with tape.at(f"{path}.apply_content"):
            per_head = views.reshape(tape, views.transpose(tape, lambdas, 1, 2), (b, 1, v, k))
            del lambdas
            found.append(products.matmul(tape, views.expand(tape, per_head, (b, h, v, k)), queries))
            del per_head
    if kernel is not None:
        with tape.at(f"{path}.position"):
            flat = views.reshape(tape, values, (b * v, u, height, width))
            lambdas = call(_position, tape, layer.m, kernel, bias, flat)
            del flat
        with tape.at(f"{path}.apply_position"):
            found.append(call(_apply_position, tape, queries, views.reshape(tape, lambdas, (b, v, k, n))))
    output = found[0] if len(found) == 1 else elementwise.add(tape, found[0], found[1])
    return views.reshape(tape, output, (b, h * v, height, width))


def _contiguous_gradient(tape: Tape, x: Tensor) -> Tensor:
    """Return x; the gradient of a single image is made contiguous."""
    return views.contiguous_gradient(tape, x) if x.shape[0] == 1 else x


def _embeddings(tape: Tape, part: Part) -> tuple[Parameter, Parameter | None]:
    """The position embeddings and their bias, which layers of a stage may share."""
    shape, layer = part.shape, part.settings
    assert shape is not None
    side = 2 * part.size - 1 if layer.m == "global" else layer.m
    path = f"{part.path}.position"
    if part.owns_embeddings:
        tape.owners[part.stage] = path
    else:
        path = tape.owners[part.stage]
    bias = tape.parameter(f"{path}.bias", (shape.k,)) if layer.bias else None
    return tape.parameter(f"{path}.weight", (shape.k, shape.u, side, side)), bias


def _content_weights(tape: Tape, layer: Lambda, keys: Tensor, size: int) -> Tensor:
    accurate = records.to(tape, keys, FLOAT)
    del keys
    if layer.key_norm == "softmax":
        return records.to(tape, reductions.softmax(tape, accurate), size)
    return records.to(tape, elementwise.normalized(tape, accurate) if layer.key_norm == "l2" else accurate, size)


def _content(tape: Tape, layer: Lambda, keys: Tensor, values: Tensor) -> Tensor:
    b, k, u, n = keys.shape
    weights = views.reshape(tape, _content_weights(tape, layer, keys, values.size), (b, k, u * n))
    flat = views.reshape(tape, values, (b, values.shape[1], u * n))
    return products.bmm(tape, weights, views.transpose(tape, flat, 1, 2))


def _apply_position(tape: Tape, queries: Tensor, lambdas: Tensor) -> Tensor:
    of_position = views.ordered(tape, views.permute(tape, queries, 0, 3, 1, 2))
    per_position = views.ordered(tape, views.permute(tape, lambdas, 0, 3, 2, 1))
    return views.permute(tape, products.matmul(tape, of_position, per_position), 0, 2, 3, 1)


def _position(tape: Tape, scope: int | str, kernel: Parameter, bias: Parameter | None, values: Tensor) -> Tensor:
    """Lambdas (b * v, k, H, W) of values (b * v, u, H, W)."""
    height, width = values.shape[-2:]
    k, u, n = kernel.shape[0], kernel.shape[1], height * width
    if scope != "global":
        return products.convolution(tape, values, kernel, (height, width), bias)
    offsets = [tape.new((side, side), LONG) for side in (height, width)]
    gathered = views.permute(
        tape, copies.indexed(tape, kernel, (k, u, height, width, height, width), offsets), 0, 2, 3, 1, 4, 5
    )
    maps = views.reshape(tape, gathered, (k * n, u * n))
    del offsets
    flat = views.reshape(tape, values, (values.shape[0], u * n))
    lambdas = products.bmm(tape, flat, views.transpose(tape, maps, 0, 1))
    del maps, flat
    lambdas = views.reshape(tape, lambdas, (values.shape[0], k, height, width))
    if bias is None:
        return lambdas
    offset = records.to(tape, views.whole(tape, bias), lambdas.size)
    return elementwise.add(tape, lambdas, views.reshape(tape, offset, (1, k, 1, 1)))
