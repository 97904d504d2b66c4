import pytest
import torch

from lambda_arch.arch import parse
from lambda_arch.store import Setup
from lambda_arch.timing.worker.part_timer import PartTimer
from lambda_arch.timing.worker.timer import Timer
from lambda_arch.timing.worker.workload import Workload

NETWORK = parse("lambda_resnet18:stages=CCLL,m=3@32")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["inference", "train"])
def test_parts_add_up_to_the_step(mode):
    workload = Workload(NETWORK, Setup(batch_size=2, mode=mode, threads=1, clock="cpu"))
    timer = PartTimer(workload)
    workload.step()
    for _ in range(3):
        inside: list[tuple[float, ...]] = []
        whole = Timer("cpu", "cpu").seconds(lambda inside=inside: inside.append(timer.sample()))
        assert len(inside[0]) == len(timer.paths) == 10
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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mode", ["inference", "train"])
def test_cuda_parts_add_up(mode):
    timer = PartTimer(Workload(NETWORK, Setup("cuda", batch_size=2, mode=mode, threads=1)))
    timer.sample()
    assert all(seconds > 0 for seconds in timer.sample())
