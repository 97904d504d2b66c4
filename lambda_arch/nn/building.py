"""From an architecture, or its name, to a network."""

import torch

from lambda_arch import arch
from lambda_arch.nn.choosing import set_evaluation
from lambda_arch.nn.evaluation import CANONICAL, Evaluation
from lambda_arch.nn.network import Network


def check_device(device: str) -> None:
    """Raise ValueError, in one line, for a device that this machine or this torch does not have."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"--device {device}: expected a GPU that torch can use; there is none, --device cpu works")


def build(
    architecture: arch.Architecture | str,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    evaluation: Evaluation | str = CANONICAL,
    batch: int = 1,
) -> Network:
    """Return the network of ``architecture`` on ``device`` (``"meta"`` for shapes without memory) in ``dtype``.

    ``evaluation`` is how its lambda layers compute: ``"canonical"``, as costs are counted; ``"auto"``, for each layer
    the exact evaluation that a cost model finds fastest at ``batch`` images; or one by name, such as ``"matrix/sum"``.
    Parameters and outputs are the same whichever it is.

    Raises :class:`lambda_arch.ArchitectureError` for a name that is none, ValueError for no such evaluation.
    """
    value = arch.parse(architecture) if isinstance(architecture, str) else architecture
    with torch.device(device or "cpu"):
        network = Network(value)
    set_evaluation(network, evaluation, batch)
    return network if dtype is None else network.to(dtype)
