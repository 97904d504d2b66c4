"""Batch norms with fixed statistics and weights, as detectors use them, whose batches are small."""

from typing import Any

import torch
from torch import Tensor, nn


class FrozenBatchNorm2d(nn.Module):
    """A batch norm of (b, ``features``, H, W) that never changes: its weight, bias and statistics are buffers.

    ``eps`` is added to the variance.

    Computes as torchvision's module of this name, also in training mode. State dicts are those of
    ``nn.BatchNorm2d`` without ``num_batches_tracked``; each can be loaded by the other.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(features))
        self.register_buffer("bias", torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        state_dict.pop(f"{prefix}num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        """Return what ``print(module)`` shows of it."""
        return f"{len(self.weight)}, eps={self.eps}"

    def forward(self, x: Tensor) -> Tensor:
        """Return x (b, features, H, W), scaled and shifted."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


BATCH_NORMS = (nn.BatchNorm2d, FrozenBatchNorm2d)


def freeze_batch_norms(network: nn.Module) -> None:
    """Replace every batch norm inside ``network`` by a frozen one with its weight, bias and statistics.

    It changes ``network`` itself. No errors are raised.
    """
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, _frozen(child))


def _frozen(norm: nn.BatchNorm2d) -> FrozenBatchNorm2d:
    frozen = FrozenBatchNorm2d(norm.num_features, norm.eps).to(norm.weight.device, norm.weight.dtype)
    frozen.load_state_dict(norm.state_dict())
    return frozen.train(norm.training)
