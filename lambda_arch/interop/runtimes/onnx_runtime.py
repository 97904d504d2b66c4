"""ONNX Runtime, and TensorRT through it. Needs the extra ``onnx``."""

from pathlib import Path

import torch
from torch import Tensor, nn

from lambda_arch.errors import SetupError
from lambda_arch.interop.onnx_files import check_onnx, open_session, write_onnx
from lambda_arch.interop.runtimes.runner import Runner
from lambda_arch.store.setup import Setup

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
ELEMENTS = {torch.float32: 1, torch.float16: 10, torch.bfloat16: 16}
"""The number of each dtype in ONNX's TensorProto."""


def load(network: nn.Module, images: Tensor, setup: Setup, folder: Path) -> Runner:
    """Return ``network`` in ONNX Runtime; its inputs and outputs stay on the device."""
    import onnxruntime

    check_onnx()
    provider = PROVIDERS["tensorrt" if setup.runtime == "tensorrt" else setup.kind]
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise SetupError(
            f"runtime={setup.runtime}, device={setup.device}: expected an ONNX Runtime with {provider}; "
            f"this one has {', '.join(available)}"
        )
    path = folder / "network.onnx"
    write_onnx(network, images, path, dynamic=False)
    session = open_session(path, threads=setup.threads, providers=(provider,))
    with torch.no_grad():
        logits = torch.empty_like(network(images))
    kind, number = images.device.type, images.device.index or 0
    binding = session.io_binding()
    binding.bind_input("images", kind, number, ELEMENTS[images.dtype], tuple(images.shape), images.data_ptr())
    binding.bind_output("logits", kind, number, ELEMENTS[logits.dtype], tuple(logits.shape), logits.data_ptr())

    def step() -> Tensor:
        session.run_with_iobinding(binding)
        return logits

    return Runner(step, session.get_inputs()[0].type)
