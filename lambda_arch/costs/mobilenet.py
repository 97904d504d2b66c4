"""The first book of MobileNets."""

from collections.abc import Iterator

from lambda_arch.arch import MobileNet
from lambda_arch.arch.mobilenet import LAYERS
from lambda_arch.costs.closed_form import dials, lambda_layer
from lambda_arch.costs.ledger import Row
from lambda_arch.costs.modules import conv_norm, halve, pooled_linear


def mobilenet(architecture: MobileNet) -> Iterator[Row]:
    """Yield the rows of a MobileNet; layers keep their numbers where others are removed."""
    size = architecture.image_size
    yield from conv_norm("stem", 3, LAYERS[0].dim, 9, size)
    for number, (letter, (dim, dim_out, stride)) in enumerate(zip(architecture.layers[1:], LAYERS, strict=True), 1):
        path = f"layer{number}"
        if letter == "L":
            layer = architecture.layer
            yield from lambda_layer(path, layer, dim, size, dials(layer, size), dim_out)
        elif letter == "C":
            size = halve(size) if stride == 2 else size
            yield from conv_norm(f"{path}.depthwise", dim, dim, 9, size, groups=dim)
            yield from conv_norm(f"{path}.pointwise", dim, dim_out, 1, size)
    yield from pooled_linear("head", LAYERS[-1].dim_out, architecture.classes, size)
