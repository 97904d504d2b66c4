import pytest
import torch

from lambda_arch.arch import parse
from lambda_arch.store import Setup
from lambda_arch.timing.worker.timer import Timer
from lambda_arch.timing.worker.workload import Workload

NETWORK = parse("lambda_resnet18:stages=CCLL,m=3@32")


def test_training_steps_change_the_weights_and_inference_does_not():
    for mode, changes in (("train", True), ("inference", False)):
        workload = Workload(NETWORK, Setup(batch_size=2, mode=mode, threads=1))
        before = [p.detach().clone() for p in workload.network.parameters()]
        workload.step()
        after = list(workload.network.parameters())
        assert any(not torch.equal(a, b) for a, b in zip(after, before, strict=True)) == changes


@pytest.mark.parametrize(
    ("settings", "seen"),
    [({}, torch.float32), ({"dtype": "bf16"}, torch.bfloat16), ({"dtype": "bf16", "cast": "cast"}, torch.bfloat16)],
)
def test_the_asked_dtype_and_memory_format_are_what_runs(settings, seen):
    workload = Workload(NETWORK, Setup(threads=1, memory_format="channels_last", **settings))
    found = []
    block = workload.network.get_submodule("c2.1.reduce.conv")
    block.register_forward_hook(lambda _m, _i, output: found.append(output))
    workload.step()
    assert found[0].dtype == seen
    assert found[0].is_contiguous(memory_format=torch.channels_last)
    assert next(workload.network.parameters()).dtype == (seen if settings.get("cast") else torch.float32)


@pytest.mark.slow
@pytest.mark.parametrize("evaluation", ["auto", "matrix/sum", "prepared"])
def test_an_evaluation_computes_the_same(evaluation):
    plain, other = (Workload(NETWORK, Setup(threads=1, evaluation=each)) for each in ("canonical", evaluation))
    with torch.inference_mode():
        torch.testing.assert_close(other.network(*plain.inputs), plain.network(*plain.inputs), rtol=1e-3, atol=1e-4)
    other.step()


def test_threads_are_as_asked():
    before = torch.get_num_threads()
    try:
        Workload(NETWORK, Setup(threads=2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dtype": "tf32"},
        {"dtype": "bf16", "mode": "train"},
        {"dtype": "fp16", "mode": "train"},
        {"cuda_graph": True},
        {"cuda_graph": True, "mode": "train", "dtype": "bf16"},
        {"cast": "cast", "dtype": "fp16", "memory_format": "channels_last"},
    ],
)
def test_cuda_steps_are_timed_by_events(settings):
    workload = Workload(NETWORK, Setup("cuda", batch_size=2, threads=1, **settings))
    timer = Timer("cuda:0")
    workload.step()
    assert timer.seconds(workload.step, 5) > 0


@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="needs an Apple GPU")
def test_mps_steps_are_timed():
    workload = Workload(NETWORK, Setup("mps", batch_size=2, threads=1))
    assert Timer("mps").seconds(workload.step, 3) > 0
