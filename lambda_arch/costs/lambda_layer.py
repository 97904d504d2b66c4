"""The lambda layer in closed form (Bello, ICLR 2021, sections 3.2 and B.4).

In the canonical order: position lambdas by convolution, content and position lambdas applied separately.
"""

from collections.abc import Iterator

from lambda_arch.arch import Lambda, Part, formula_of
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv, matmul, norm


@formula_of(Lambda)
def lambda_layer(part: Part) -> Iterator[Row]:
    """Yield the rows of a lambda layer: its settings say which lambdas it has, ``shape`` holds its numbers."""
    path, layer, shape = part.path, part.settings, part.shape
    assert shape is not None
    dim, dim_out, size = part.dim, part.dim_out, part.size
    k, h, u = shape.k, shape.h, shape.u
    n = size * size
    v = dim_out // h
    yield conv(f"{path}.queries", dim, h * k, 1, size)
    if layer.batch_norm:
        yield norm(f"{path}.query_norm", h * k, size)
    if layer.content:
        yield conv(f"{path}.keys", dim, k * u, 1, size)
    yield conv(f"{path}.values", dim, v * u, 1, size)
    if layer.batch_norm:
        yield norm(f"{path}.value_norm", v * u, size)
    if layer.content:
        yield matmul(f"{path}.content", (1, k, v), k * v * u * n)
        yield matmul(f"{path}.apply_content", (1, h, v, n), dim_out * k * n)
    if layer.position:
        params = k * u * shape.embeddings + (k if layer.bias else 0)
        macs = k * u * shape.context * v * n
        kind = "matmul" if layer.m == "global" else "conv"
        yield Row(f"{path}.position", kind, (v, k, size, size), params if part.owns_embeddings else 0, macs, macs)
        yield matmul(f"{path}.apply_position", (1, h, v, n), dim_out * k * n)
