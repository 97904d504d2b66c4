import psutil
import torch

from lambda_arch.timing.worker.memory import PeakMemory


def test_the_peak_is_of_what_was_held_before():
    held = torch.ones(64_000_000)  # 256 MB
    del held
    assert PeakMemory("cpu").bytes() > psutil.Process().memory_info().rss + 200e6
