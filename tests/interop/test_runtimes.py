"""Other runtimes run the network that they were given, in the precision that was asked for."""

import pytest
import torch
from torch import nn

from lambda_arch.interop import runtimes
from lambda_arch.interop.runtimes import load_runtime
from lambda_arch.store import Setup

RUNTIMES = ("onnxruntime", "openvino", "aotinductor")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()


@pytest.mark.slow
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_runtime_gives_the_logits_of_the_images(runtime):
    ours, images = network(), torch.randn(3, 3, 9, 9)
    runner = load_runtime(ours, images, Setup(runtime=runtime, batch_size=3, threads=1))
    with torch.no_grad():
        torch.testing.assert_close(runner.step(), ours(images), rtol=1e-4, atol=1e-5)
        images *= 2  # in place: the next step takes what is there
        torch.testing.assert_close(runner.step(), ours(images), rtol=1e-4, atol=1e-5)
    assert runner.precision in ("tensor(float)", "f32", "float32")


@pytest.mark.slow
def test_openvino_computes_in_the_precision_of_the_setup():
    images = torch.randn(3, 3, 9, 9)
    low = load_runtime(network(), images, Setup(runtime="openvino", dtype="bf16", batch_size=3, threads=1))
    assert low.precision == "bf16"


@pytest.mark.slow
def test_a_runtime_with_other_outputs_is_refused(monkeypatch):
    monkeypatch.setitem(runtimes.TOLERANCES, "fp32", -1.0)
    with pytest.raises(RuntimeError, match="outputs of onnxruntime differ from torch's by"):
        load_runtime(network(), torch.randn(1, 3, 9, 9), Setup(runtime="onnxruntime", threads=1))
