"""The first book of any architecture: its closed form."""

from collections.abc import Callable, Iterator
from typing import Any

from lambda_arch.arch import Architecture, EfficientNet, MobileNet, ResNet
from lambda_arch.count.closed_form import resnet
from lambda_arch.count.efficientnet import efficientnet
from lambda_arch.count.ledger import Ledger, Row
from lambda_arch.count.mobilenet import mobilenet

ROWS: dict[type[Architecture], Callable[[Any], Iterator[Row]]] = {
    ResNet: resnet,
    MobileNet: mobilenet,
    EfficientNet: efficientnet,
}


def count(architecture: Architecture) -> Ledger:
    """Return the ledger of ``architecture``."""
    return Ledger(str(architecture), architecture.image_size, tuple(ROWS[type(architecture)](architecture)))
