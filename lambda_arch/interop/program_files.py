"""Files of torch.export (``.pt2``): written from a network, and run by torch. Imports torch."""

from pathlib import Path

import torch
from torch import Tensor, nn

from lambda_arch.interop.agreement import Run
from lambda_arch.nn.graphs import exported_program, quiet


def write_program(network: nn.Module, images: Tensor, path: Path) -> str:
    """Write ``network`` for any number of images like ``images`` to ``path``, and return the format's version."""
    with quiet():
        torch.export.save(exported_program(network, images), path)
    return f"torch.export of torch {torch.__version__}"


def run_program(path: Path) -> Run:
    """Return a function that runs a file on images (b, 3, H, W)."""
    with quiet():
        module: Run = torch.export.load(path).module()
    return module
