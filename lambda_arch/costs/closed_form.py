"""The closed form: the cost of every module of a network, by plain arithmetic on its parts. No torch.

Every formula takes integers for one network, or numpy arrays for many at once: map sides and the numbers of lambda
layers may be either (see :class:`lambda_arch.arch.Part`).
"""

from lambda_arch.arch import (
    Architecture,
    configured,
)
from lambda_arch.costs import attention, efficientnet, lambda_layer, mobilenet, resnet  # noqa: F401  their formulas
from lambda_arch.costs.backward import Mode, read_mode, with_backward
from lambda_arch.costs.ledger import Ledger, Row
from lambda_arch.costs.modules import rows


def count(
    architecture: Architecture | str, *, image_size: int | None = None, mode: Mode = "inference", **settings: object
) -> Ledger:
    """Return the ledger of ``architecture``, or of its name, with ``settings`` such as ``k=8`` on top of it.

    ``mode``: ``train`` counts the MACs of a training step, forward and backward pass of the canonical evaluation.

    Raises :class:`ArchitectureError` as :func:`~lambda_arch.arch.parse` does, :class:`SetupError` for another mode.
    """
    read_mode(mode)
    value = configured(architecture, image_size, settings)
    counted: list[Row] = []
    for i, part in enumerate(value.parts()):
        counted += with_backward(rows(part), reads_images=i == 0) if mode == "train" else rows(part)
    return Ledger(str(value), value.image_size, tuple(counted), mode)
