"""A workaround for a wrong gradient of torch's batch norm."""

from typing import Any

import torch
from torch import Tensor


class _Contiguous(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.contiguous()


def contiguous_gradient(x: Tensor) -> Tensor:
    """Return ``x``; in the backward pass its gradient is made contiguous.

    On CPUs, torch's batch norm (2.13) sums the wrong elements in its backward pass if the gradient of a single image
    has the strides of a permuted (1, n, c) tensor, as batched products return it. Larger batches are right.
    """
    return _Contiguous.apply(x) if x.requires_grad and x.shape[0] == 1 else x  # type: ignore[no-untyped-call]
