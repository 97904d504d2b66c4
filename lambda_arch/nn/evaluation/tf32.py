"""Whether float32 products and convolutions may run in TF32 on CUDA.

From torch 2.9 there are two sets of flags, ``allow_tf32`` and ``fp32_precision``. Once a program has set the newer
ones, reading the older ones raises RuntimeError.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

ON, OFF = "tf32", "ieee"


def of_products() -> bool:
    """Return whether matrix products may."""
    return _allowed(torch.backends.cuda.matmul, torch.backends.cuda.matmul)


def of_convolutions() -> bool:
    """Return whether convolutions may."""
    return _allowed(torch.backends.cudnn, getattr(torch.backends.cudnn, "conv", None))


def _allowed(older: Any, newer: Any) -> bool:
    try:
        return bool(older.allow_tf32)
    except RuntimeError:
        return bool(newer.fp32_precision == ON)


@contextmanager
def tf32_kept() -> Iterator[None]:
    """Leave the flags, whichever were set, as they were before."""
    try:
        older = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    except RuntimeError:
        newer: Any = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
        before = [each.fp32_precision for each in newer]
        try:
            yield
        finally:
            for each, value in zip(newer, before, strict=True):
                each.fp32_precision = value
    else:
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = older


def set_tf32(on: bool) -> None:
    """Let both run in TF32, or neither."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = on
