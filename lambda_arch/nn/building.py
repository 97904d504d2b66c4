"""From an architecture, or its name, to a network."""

import torch

from lambda_arch import arch
from lambda_arch.nn.resnet import ResNet


def build(
    architecture: arch.ResNet | str,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> ResNet:
    """Return the network of ``architecture`` on ``device`` (``"meta"`` for shapes without memory) in ``dtype``.

    Raises :class:`lambda_arch.ArchitectureError` for a name that is none.
    """
    value = arch.parse(architecture) if isinstance(architecture, str) else architecture
    with torch.device(device or "cpu"):
        network = ResNet(value)
    return network if dtype is None else network.to(dtype)
