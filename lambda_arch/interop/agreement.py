"""Outputs of a network compared with those of the same network in another program, on random images. Imports torch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Run = Callable[[Tensor], Tensor]
"""Maps images (b, 3, H, W) to logits (b, classes)."""


@dataclass(frozen=True)
class Agreement:
    """The largest difference of the outputs for ``batch_size`` random images, relative to the largest output."""

    batch_size: int
    error: float


def agreement(ours: Run, theirs: Run, batch_size: int, image_size: int) -> Agreement:
    """Compare ``theirs`` with ``ours`` on a batch of random images."""
    images = torch.randn(batch_size, 3, image_size, image_size)
    return Agreement(batch_size, relative_error(ours, theirs, images))


def relative_error(ours: Run, theirs: Run, images: Tensor) -> float:
    """Return the largest difference of two outputs over the largest of ``ours``; inf if ``theirs`` are not finite."""
    with torch.no_grad():
        expected = ours(images).float()
        found = theirs(images).float()
    if found.shape != expected.shape or not torch.isfinite(found).all():
        return float("inf")
    return float((found - expected).abs().max() / expected.abs().max())


def randomize_norms(network: nn.Module) -> None:
    """Give every batch norm random weights and statistics.

    New networks end their residual branches in norms with zero weights, and no comparison would see these branches.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.uniform_(module.weight, 0.3, 0.7)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
