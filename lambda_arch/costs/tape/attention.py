"""What the comparison layers allocate (:mod:`lambda_arch.nn.attention`)."""

from lambda_arch.arch import (
    AugmentedConvolution,
    AxialAttention,
    DoubleAttention,
    GlobalAttention,
    LocalAttention,
    Part,
    halve,
)
from lambda_arch.costs.tape import copies, elementwise, products, reductions, views
from lambda_arch.costs.tape.modules import allocates, call, convolution
from lambda_arch.costs.tape.tape import LONG, Tape, Tensor


def _projections(tape: Tape, path: str, x: Tensor, names: tuple[str, ...], dims: tuple[int, ...]) -> list[Tensor]:
    side = x.shape[-1]
    return [convolution(tape, f"{path}.{name}", dim, 1, side, x) for name, dim in zip(names, dims, strict=True)]


NAMES = ("queries", "keys", "values")


def double_attention(tape: Tape, path: str, layer: DoubleAttention, x: Tensor) -> Tensor:
    """A double attention block."""
    b, dim, height, width = x.shape
    hidden, n = dim // layer.reduction, height * width
    side = height
    features, maps = (
        views.reshape(tape, convolution(tape, f"{path}.{name}", hidden, 1, side, x), (b, hidden, n))
        for name in ("features", "maps")
    )
    with tape.at(f"{path}.gather"):
        weights = reductions.softmax(tape, maps)
        descriptors = products.bmm(tape, features, views.transpose(tape, weights, 1, 2))
    del features, maps, weights
    vectors = views.reshape(tape, convolution(tape, f"{path}.vectors", hidden, 1, side, x), (b, hidden, n))
    with tape.at(f"{path}.distribute"):
        mixed = products.bmm(tape, descriptors, reductions.softmax(tape, vectors))
    del vectors
    mixed = views.reshape(tape, mixed, (b, hidden, height, width))
    expanded = convolution(tape, f"{path}.expand", dim, 1, side, mixed)
    return elementwise.add(tape, x, expanded)


def _relative(tape: Tape, path: str, queries: Tensor, limit: int) -> Tensor:
    """Relative logits (..., L, L) of queries (..., L, d)."""
    *batch, length, depth = queries.shape
    rows = 1
    for each in (*batch, length):
        rows *= each
    with tape.at(path):
        weight = tape.parameter(f"{path}.weight", (2 * limit - 1, depth))
        embeddings = views.whole(tape, weight)
        flat = views.reshape(tape, queries, (rows, depth))
        found = products.bmm(tape, flat, views.transpose(tape, embeddings, 0, 1))
        found = views.reshape(tape, found, (*batch, length, 2 * length - 1))
        return copies.gather(tape, found, (*batch, length, length), tape.new((length, length), LONG))


def _mix(tape: Tape, path: str, logits: Tensor, values: Tensor) -> Tensor:
    with tape.at(path):
        return products.matmul(tape, values, views.transpose(tape, reductions.softmax(tape, logits), -1, -2))


def _attend(tape: Tape, path: str, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    b, h, _, height, width = queries.shape
    n = height * width

    def flat(x: Tensor) -> Tensor:
        return views.reshape(tape, x, (*x.shape[:3], n))

    with tape.at(path):
        scaled = elementwise.scaled(tape, queries)
    with tape.at(f"{path}.logits"):
        logits = products.matmul(tape, views.transpose(tape, flat(scaled), -1, -2), flat(keys))
    logits = views.reshape(tape, logits, (b, h, height, width, height, width))
    down = _relative(tape, f"{path}.height", views.permute(tape, scaled, 0, 1, 4, 3, 2), height)
    along = _relative(tape, f"{path}.width", views.permute(tape, scaled, 0, 1, 3, 4, 2), width)
    down = views.transpose(tape, down, 2, 3)
    down = views.reshape(tape, down, (*down.shape, 1))
    logits = elementwise.add(tape, logits, down, in_place=True)
    along = views.reshape(tape, along, (*along.shape[:-1], 1, along.shape[-1]))
    logits = elementwise.add(tape, logits, along, in_place=True)
    logits = views.reshape(tape, logits, (b, h, n, n))
    mixed = _mix(tape, f"{path}.mix", logits, flat(values))
    return views.reshape(tape, mixed, (b, h, mixed.shape[2], height, width))


def _by_head(tape: Tape, x: Tensor, heads: int) -> Tensor:
    return views.reshape(tape, x, (x.shape[0], heads, x.shape[1] // heads, *x.shape[2:]))


@allocates(GlobalAttention)
def global_attention(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """Global self-attention."""
    found = _projections(tape, part.path, x, NAMES, (part.dim,) * 3)
    queries, keys, values = (_by_head(tape, each, part.settings.heads) for each in found)
    del found
    mixed = call(_attend, tape, f"{part.path}.attend", queries, keys, values)
    return views.reshape(tape, mixed, x.shape)


@allocates(AxialAttention)
def axial_attention(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """Axial self-attention."""
    for axis in ("height", "width"):
        x = call(_axis, tape, f"{part.path}.{axis}", part.settings.heads, axis == "height", x)
    return x


def _axis(tape: Tape, path: str, heads: int, down: bool, x: Tensor) -> Tensor:
    dim = x.shape[1]

    def lines(x: Tensor) -> Tensor:
        if down:
            x = views.transpose(tape, x, 2, 3)
        b, dim, number, length = x.shape
        x = views.reshape(tape, x, (b, heads, dim // heads, number, length))
        return views.transpose(tape, x, 2, 3)

    dims = (dim // 2, dim // 2, dim)
    queries, keys, values = (
        lines(convolution(tape, f"{path}.{name}", each, 1, x.shape[-1], x))
        for name, each in zip(NAMES, dims, strict=True)
    )
    with tape.at(f"{path}.logits"):
        logits = products.matmul(tape, views.transpose(tape, queries, -1, -2), keys)
    relative = _relative(tape, f"{path}.relative", views.transpose(tape, queries, -1, -2), queries.shape[-1])
    logits = elementwise.add(tape, logits, relative)
    del relative
    mixed = _mix(tape, f"{path}.mix", logits, values)
    mixed = views.transpose(tape, mixed, 2, 3)
    b, h, v, number, length = mixed.shape
    mixed = views.reshape(tape, mixed, (b, h * v, number, length))
    return views.transpose(tape, mixed, 2, 3) if down else mixed


@allocates(LocalAttention)
def local_attention(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """Local self-attention."""
    path, heads, m = part.path, part.settings.heads, part.settings.extent
    b, dim, height, width = x.shape
    n, depth = height * width, dim // heads

    def windows(x: Tensor) -> Tensor:
        found = copies.copied(tape, [x], (b, dim * m * m, n))
        found = views.reshape(tape, found, (b, heads, depth, m * m, n))
        return views.ordered(tape, views.permute(tape, found, 0, 1, 4, 2, 3))

    queries = convolution(tape, f"{path}.queries", dim, 1, height, x)
    queries = views.transpose(tape, views.reshape(tape, queries, (b, heads, depth, n)), 2, 3)
    keys = windows(convolution(tape, f"{path}.keys", dim, 1, height, x))
    with tape.at(f"{path}.logits"):
        rows = views.reshape(tape, queries, (*queries.shape, 1))
        logits = products.matmul(tape, views.transpose(tape, rows, -1, -2), keys)
    del keys, rows
    logits = views.reshape(tape, logits, (b, heads, n, m, m))
    halves = []
    for name in ("rows", "columns"):
        with tape.at(f"{path}.{name}"):
            weight = tape.parameter(f"{path}.{name}.weight", (heads, depth // 2, m))
            half = views.part_of(tape, queries, -1, depth // 2)
            halves.append(products.matmul(tape, half, views.whole(tape, weight)))
    offsets = elementwise.add(
        tape,
        views.reshape(tape, halves[0], (b, heads, n, m, 1)),
        views.reshape(tape, halves[1], (b, heads, n, 1, m)),
    )
    del halves
    logits = elementwise.add(tape, logits, offsets)
    logits = views.reshape(tape, logits, (b, heads, n, 1, m * m))
    mixed = _mix(tape, f"{path}.mix", logits, windows(convolution(tape, f"{path}.values", dim, 1, height, x)))
    mixed = views.transpose(tape, views.reshape(tape, mixed, mixed.shape[:-1]), 2, 3)
    return views.reshape(tape, mixed, (b, dim, height, width))


@allocates(AugmentedConvolution)
def augmented_convolution(tape: Tape, part: Part, x: Tensor) -> Tensor:
    """An attention-augmented convolution."""
    path, layer, dim, out = part.path, part.settings, part.dim, part.size_out
    keys, values = layer.depths(dim)
    convolved = convolution(tape, f"{path}.conv", dim - values, 9, out, x)
    side = out
    if out != part.size:
        with tape.at(f"{path}.pool"):
            x = reductions.average_pool(tape, x, out)
    if layer.downsample:
        side = halve(out)
        with tape.at(f"{path}.downsample"):
            x = reductions.average_pool(tape, x, side)
    found = _projections(tape, path, x, NAMES, (keys, keys, values))
    by_head = [_by_head(tape, each, layer.heads) for each in found]
    del found
    attended = call(_attend, tape, f"{path}.attend", *by_head)
    attended = views.reshape(tape, attended, (x.shape[0], values, side, side))
    attended = convolution(tape, f"{path}.project", values, 1, side, attended)
    if layer.downsample:
        attended = copies.upsample(tape, attended, out)
    return copies.copied(tape, [convolved, attended], (x.shape[0], dim, out, out))
