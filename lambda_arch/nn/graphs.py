"""Networks as graphs that other programs can run: torch.export's, and ONNX made from it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from lambda_arch.lazy import check_installed


def exported_program(network: nn.Module, images: Tensor, *, dynamic: bool = True) -> ExportedProgram:
    """Return ``network`` in evaluation mode as torch.export's graph for images (b, 3, H, W).

    ``dynamic``: for any b; otherwise for that of ``images``. H and W are those of ``images``.
    """
    dims = {0: Dim("batch")} if dynamic else None
    with torch.no_grad(), quiet():
        return torch.export.export(network.eval(), (images,), dynamic_shapes=(dims,), strict=False)


def onnx_program(program: ExportedProgram, *, optimize: bool = True) -> "torch.onnx.ONNXProgram":
    """Return the ONNX program of a graph; its nodes name the modules that they come from.

    Raises :class:`SetupError` if onnx or onnxscript is not installed.
    """
    check_installed("onnx", "onnx", "onnxscript")
    with torch.no_grad(), quiet():
        converted = torch.onnx.export(
            program, (), dynamo=True, optimize=optimize, verbose=False, input_names=["images"], output_names=["logits"]
        )
    assert converted is not None
    return converted


@contextmanager
def quiet() -> Iterator[Any]:
    """Hide the warnings of torch's exporters about their own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
