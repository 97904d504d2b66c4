"""The first book of any architecture: its closed form."""

from collections.abc import Callable, Iterator
from typing import Any

from lambda_arch.arch import Architecture, EfficientNet, MobileNet, ResNet, parse
from lambda_arch.costs.closed_form import resnet
from lambda_arch.costs.efficientnet import efficientnet
from lambda_arch.costs.ledger import Ledger, Row
from lambda_arch.costs.mobilenet import mobilenet

ROWS: dict[type[Architecture], Callable[[Any], Iterator[Row]]] = {
    ResNet: resnet,
    MobileNet: mobilenet,
    EfficientNet: efficientnet,
}


def count(architecture: Architecture | str) -> Ledger:
    """Return the ledger of ``architecture``, or of its name."""
    value = parse(architecture) if isinstance(architecture, str) else architecture
    return Ledger(str(value), value.image_size, tuple(ROWS[type(value)](value)))
