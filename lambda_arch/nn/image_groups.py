"""Images a few at a time on CPUs, so that no tensor outgrows what the C library keeps for the next one.

Memory of 32 MiB and more goes back to the system when it is freed (M_MMAP_THRESHOLD of malloc(3) grows no further), and
so does a run of free memory of twice that: the next tensor is then faulted in page by page, which can take longer than
computing it.
"""

import torch
from torch import Tensor, nn

LARGE = 16 * 2**20
"""Bytes of the largest tensor; half of the threshold, with which whole networks ran fastest."""
LARGEST_MAP = 64
"""Bytes of a ResNet's largest feature maps, for one pixel of the image: 64 channels at half its sides, or 256 at a
quarter, in float32."""


def images_at_a_time(x: Tensor, bytes_of_one: int) -> int:
    """Return how many images of a batch ``x`` (b, ...) to take at a time whose largest tensor has ``bytes_of_one``.

    All of them where memory is planned by somebody else: on other devices, and under ``torch.compile``.
    """
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return max(1, len(x))
    most = max(1, LARGE // bytes_of_one)
    groups = max(1, -(-len(x) // most))
    return max(1, -(-len(x) // groups))  # even groups


class InGroups(nn.Module):
    """A network that takes large batches of images (b, 3, H, W) in groups; only for inference: images do not meet."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.train(False)

    def train(self, mode: bool = True) -> "InGroups":
        """Stay in evaluation mode, whichever ``mode``: norms that are left keep their statistics."""
        del mode
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the network does of x."""
        size = images_at_a_time(x, LARGEST_MAP * x.shape[-2] * x.shape[-1])
        if size >= len(x):
            return self.network(x)  # type: ignore[no-any-return]
        return torch.cat([self.network(group) for group in torch.split(x, size)])
