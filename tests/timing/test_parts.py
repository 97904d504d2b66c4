"""What a worker runs: workloads, and the times of their parts."""

import pytest
import torch

from lambda_arch.arch import parse
from lambda_arch.store import Setup
from lambda_arch.timing.ceilings import measure_ceilings
from lambda_arch.timing.parts import PartTimer
from lambda_arch.timing.workload import Timer, Workload, peak_resident

NETWORK = parse("lambda_resnet18:stages=CCLL,m=3@32")


@pytest.mark.parametrize("mode", ["inference", "train"])
@pytest.mark.parametrize("batch", [2])
def test_parts_add_up_to_the_step(mode, batch):
    workload = Workload(NETWORK, Setup(batch_size=batch, mode=mode, threads=1, clock="cpu"))
    timer = PartTimer(workload)
    workload.step()
    for _ in range(3):
        inside: list[list[float]] = []
        whole = Timer("cpu", "cpu").seconds(lambda inside=inside: inside.append(timer.sample()))
        assert len(inside[0]) == len(timer.names) == 10
        assert all(seconds > 0 for seconds in inside[0])
        assert sum(inside[0]) <= whole
    assert sum(inside[0]) > 0.5 * whole


def test_removed_part_timers_leave_the_network_as_it_was():
    workload = Workload(NETWORK, Setup(threads=1))
    timer = PartTimer(workload)
    timer.remove()
    workload.step()
    assert not timer.sample.__self__._forward
    assert not any(module._forward_hooks for module in workload.network.modules())


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


def test_threads_are_as_asked():
    before = torch.get_num_threads()
    try:
        Workload(NETWORK, Setup(threads=2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_ceilings_are_rates_of_every_dtype_that_the_device_has():
    found = {entry["kind"]: entry["rate"] for entry in measure_ceilings("cpu", 1, 0.0)}
    assert {"fp32", "bf16", "copy"} <= found.keys()
    assert "tf32" not in found
    assert all(rate > 1e6 for rate in found.values())


def test_peak_memory_grows_with_what_is_held():
    before = peak_resident()
    held = torch.ones(64_000_000)  # 256 MB
    assert peak_resident() >= before
    assert peak_resident() > 256e6
    assert held[0] == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dtype": "tf32"},
        {"dtype": "bf16", "mode": "train"},
        {"dtype": "fp16", "mode": "train"},
        {"graph": True},
        {"graph": True, "mode": "train", "dtype": "bf16"},
        {"cast": "cast", "dtype": "fp16", "memory_format": "channels_last"},
    ],
)
def test_cuda_steps_are_timed_by_events(settings):
    workload = Workload(NETWORK, Setup("cuda", batch_size=2, threads=1, **settings))
    timer = Timer("cuda:0")
    workload.step()
    assert timer.seconds(workload.step, 5) > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", ["inference", "train"])
def test_cuda_parts_add_up(mode):
    timer = PartTimer(Workload(NETWORK, Setup("cuda", batch_size=2, mode=mode, threads=1)))
    timer.sample()
    assert all(seconds > 0 for seconds in timer.sample())


@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="needs an Apple GPU")
def test_mps_steps_are_timed():
    workload = Workload(NETWORK, Setup("mps", batch_size=2, threads=1))
    assert Timer("mps").seconds(workload.step, 3) > 0
