"""The backward pass in closed form.

A product of two operands has one product of as many multiply-accumulates for the gradient of each operand. Images need
no gradient, so the first product of a network, which reads them, has one in the backward pass, and all others two.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from lambda_arch.costs.ledger import Row
from lambda_arch.errors import SetupError, did_you_mean

Mode = Literal["inference", "train"]
MODES: tuple[Mode, ...] = get_args(Mode)


def read_mode(mode: str) -> Mode:
    """Return ``mode``; raises :class:`SetupError` unless it is ``inference`` or ``train``."""
    for known in MODES:
        if mode == known:
            return known
    raise SetupError(f"mode={mode}: expected {' or '.join(MODES)}{did_you_mean(mode, MODES)}")


def with_backward(rows: Iterable[Row], reads_images: bool = False) -> Iterator[Row]:
    """Yield the ``rows`` of a part with the multiply-accumulates of a training step, forward and backward.

    ``reads_images``: whether it is the first part of the network, whose first product needs no gradient of its input.
    """
    gradients = 1 if reads_images else 2
    for row in rows:
        backward = gradients * row.macs
        yield row._replace(macs=row.macs + backward, backward_macs=backward)
        gradients = 2
