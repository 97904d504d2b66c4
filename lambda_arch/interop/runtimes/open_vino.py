"""OpenVINO on CPUs, from torch.export's program. Needs the extra ``openvino``."""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from lambda_arch.interop.runtimes.runner import Runner
from lambda_arch.nn.graphs import exported_program, quiet
from lambda_arch.store.setup import Setup

PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


def load(network: nn.Module, images: Tensor, setup: Setup, folder: Path) -> Runner:
    """Return ``network`` in OpenVINO, which computes in the setup's dtype whatever the network's own is."""
    # it sends usage statistics, from processes that may hang for ever; without it OpenVINO has a stub
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    del folder
    with quiet():
        model = openvino.convert_model(exported_program(network, images, dynamic=False))
    how = {
        "INFERENCE_PRECISION_HINT": PRECISIONS[setup.dtype],  # its own default may be less than float32
        "INFERENCE_NUM_THREADS": setup.threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(model, "CPU", how)
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(images.numpy(), shared_memory=True))

    def step() -> Tensor:
        request.infer()
        return torch.from_numpy(request.get_output_tensor().data)

    return Runner(step, compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name())
