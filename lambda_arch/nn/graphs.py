"""Networks as graphs that other programs can run: torch.export's, and ONNX made from it."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

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
    with torch.no_grad(), quiet(), _translations_kept():
        converted = torch.onnx.export(
            program, (), dynamo=True, optimize=optimize, verbose=False, input_names=["images"], output_names=["logits"]
        )
    assert converted is not None
    return converted


@contextmanager
def _translations_kept() -> Iterator[None]:
    """Let torch read its translations to ONNX once in a process: it parses them anew in every export, for as long as a
    small export takes.
    """
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    with patch.object(ONNXRegistry, "from_torchlib", staticmethod(_kept(ONNXRegistry.from_torchlib))):
        yield


@cache
def _kept(read: Callable[..., Any]) -> Callable[..., Any]:
    return cache(read)


@contextmanager
def quiet() -> Iterator[Any]:
    """Hide the warnings of torch's exporters about their own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
