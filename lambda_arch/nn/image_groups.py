"""Batches split into groups of images on CPUs, so that every tensor fits in memory that malloc reuses.

Blocks of 32 MiB and more return to the system when they are freed (the maximum of M_MMAP_THRESHOLD in malloc(3)), and
so does free memory of twice that. Page faults of the next tensor can then take longer than computing it.
"""

import torch
from torch import Tensor, nn

from lambda_arch.nn.outputs import Output, on_each

LARGE = 16 * 2**20
"""Maximum bytes of a tensor: half of the threshold, with which whole networks ran fastest."""
LARGEST_MAP = 64
"""Bytes of a ResNet's largest feature maps per pixel of the image: 64 channels at half its sides, or 256 at a quarter,
in float32."""


def images_at_a_time(x: Tensor, bytes_of_one: int) -> int:
    """Return how many images of a batch ``x`` (b, ...) to process at once; ``bytes_of_one``: largest tensor per image.

    All of them on other devices and under ``torch.compile``, which manage memory themselves.
    """
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return x.shape[0]  # which an exported graph may leave open
    most = max(1, LARGE // bytes_of_one)
    groups = max(1, -(-len(x) // most))
    return max(1, -(-len(x) // groups))  # even groups


class InGroups(nn.Module):
    """A network that processes large batches (b, 3, H, W) in groups; only for inference, as images do not interact."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.train(False)

    def train(self, mode: bool = True) -> "InGroups":
        """Stay in evaluation mode whatever ``mode`` is, so that remaining norms keep their statistics."""
        del mode
        return super().train(False)

    def forward(self, x: Tensor) -> Output:
        """Return the network's output for x."""
        size = images_at_a_time(x, LARGEST_MAP * x.shape[-2] * x.shape[-1])
        if size >= x.shape[0]:
            return self.network(x)  # type: ignore[no-any-return]
        groups = [self.network(group) for group in torch.split(x, size)]
        return on_each(lambda *parts: torch.cat(parts), *groups)
