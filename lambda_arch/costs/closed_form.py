"""The closed form: the cost of every module of a network, by plain arithmetic on its parts. No torch.

Every formula takes integers for one network, or numpy arrays for many at once: map sides and the numbers of lambda
layers may be either (see :class:`lambda_arch.arch.Part`).
"""

from lambda_arch.arch import (
    Architecture,
    configured,
)
from lambda_arch.costs import attention, efficientnet, lambda_layer, mobilenet, resnet  # noqa: F401  their formulas
from lambda_arch.costs.ledger import Ledger
from lambda_arch.costs.modules import rows


def count(architecture: Architecture | str, *, image_size: int | None = None, **settings: object) -> Ledger:
    """Return the ledger of ``architecture``, or of its name, with ``settings`` such as ``k=8`` on top of it.

    Raises :class:`ArchitectureError` as :func:`~lambda_arch.arch.parse` does.
    """
    value = configured(architecture, image_size, settings)
    return Ledger(str(value), value.image_size, tuple(row for part in value.parts() for row in rows(part)))
