"""ONNX files: written from a network, and run by ONNX Runtime. Imports torch; needs the extra ``onnx``."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lambda_arch.interop.agreement import Run
from lambda_arch.lazy import check_installed
from lambda_arch.nn.graphs import exported_program, onnx_program

LARGEST = 2**31 - 2**20
"""Bytes of tensors from which they go to a file beside the ONNX file, because a protobuf message ends at 2 GiB."""


def check_onnx() -> None:
    """Raise :class:`lambda_arch.SetupError` if a library of the extra is not installed."""
    check_installed("onnx", "onnx", "onnxscript", "onnxruntime")


def write_onnx(network: nn.Module, images: Tensor, path: Path, *, dynamic: bool = True) -> str:
    """Write ``network`` for images like ``images`` to ``path``, and return what was written: the format's version.

    ``dynamic``: for any batch size. Tensors over 2 GiB are in ``path`` with ``.data`` added.
    """
    program = onnx_program(exported_program(network, images, dynamic=dynamic))
    size = sum(each.numel() * each.element_size() for each in network.state_dict().values())
    program.save(path, external_data=size > LARGEST)
    return f"ONNX opset {program.model.opset_imports['']}"


def open_session(path: Path, *, threads: int = 0, providers: tuple[str, ...] = ("CPUExecutionProvider",)) -> Any:
    """Return the session of ONNX Runtime that runs a file, with ``threads`` (0: one per core)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(path, options, providers=list(providers))


def run_onnx(path: Path) -> Run:
    """Return a function that runs an ONNX file on images (b, 3, H, W)."""
    session = open_session(path)
    name = session.get_inputs()[0].name

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {name: images.numpy()})[0])

    return run
