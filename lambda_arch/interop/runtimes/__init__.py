"""Runtimes other than torch that a network can be run and timed in: one file each. Imports torch when used."""

from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lambda_arch.store.setup import Setup

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lambda_arch.interop.runtimes.runner import Runner

MODULES = {
    "aotinductor": "aot_inductor",
    "onnxruntime": "onnx_runtime",
    "openvino": "open_vino",
    "tensorrt": "onnx_runtime",
}
"""The module of each runtime."""

TOLERANCES = {"fp32": 1e-3, "bf16": 0.2, "fp16": 0.05}
"""The largest error, relative to the largest output, with which a runtime counts as running the network."""


def load_runtime(network: "nn.Module", images: "Tensor", setup: Setup) -> "Runner":
    """Return ``network`` compiled for ``images`` (b, 3, H, W) by the runtime of ``setup``, with its threads and dtype.

    Raises RuntimeError if its outputs are not those of ``network``, :class:`lambda_arch.SetupError` if the runtime
    lacks the device, and what the runtime raises.
    """
    from lambda_arch.interop.agreement import relative_error

    with TemporaryDirectory(prefix="lambda-arch-", ignore_cleanup_errors=True) as folder:
        module = import_module(f"lambda_arch.interop.runtimes.{MODULES[setup.runtime]}")
        runner: Runner = module.load(network, images, setup, Path(folder))
    error = relative_error(network, lambda _: runner.step(), images)
    if not error <= TOLERANCES[setup.dtype]:
        raise RuntimeError(f"outputs of {setup.runtime} differ from torch's by {error:.1e} of the largest")
    return runner
