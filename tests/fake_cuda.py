"""A device cuda:0 whose tensors lie on the host, to reach what is written for GPUs where there is none.

It stands in for ``torch.cuda``: names of devices, events, memory. It is as strict as CUDA where a CPU is not: a device
to be set needs its number, and an event has a time once it was recorded. What kernels and graphs do it cannot show.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch.overrides import TorchFunctionMode


class OnHost(TorchFunctionMode):
    """Puts the host in the place of CUDA devices in every call of torch."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*map(on_host, args), **{name: on_host(value) for name, value in (kwargs or {}).items()})


def on_host(value):
    if isinstance(value, (str, torch.device)) and str(value).startswith("cuda"):
        return "cpu"
    return value


class Event:
    def __init__(self, enable_timing=False):
        self.timed = enable_timing

    def record(self):
        self.at = time.perf_counter()

    def synchronize(self):
        assert self.at

    def elapsed_time(self, end):
        assert self.timed and end.timed
        return (end.at - self.at) * 1e3


class Stream:
    def __init__(self, device=None):
        self.device = device

    def wait_stream(self, stream):
        assert isinstance(stream, Stream)


class Graph:
    """What was captured is not run again."""

    def replay(self):
        self.replayed = True


def set_device(device):
    if torch.device(device).index is None:
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")


GPU = SimpleNamespace(name="a GPU", total_memory=16 << 30, major=9, minor=0, uuid="0")
ANSWERS = {
    "is_available": True,
    "device_count": 1,
    "current_device": 0,
    "get_device_name": GPU.name,
    "get_device_properties": GPU,
    "mem_get_info": (8 << 30, 16 << 30),
    "memory_allocated": 1000,
    "max_memory_allocated": 5000,
    "reset_peak_memory_stats": None,
    "synchronize": None,
    "empty_cache": None,
    "graph_pool_handle": (0, 1),
}


@contextmanager
def fake_cuda() -> Iterator[None]:
    """Let torch have a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        for name, answer in ANSWERS.items():
            patch.setattr(torch.cuda, name, lambda *_, answer=answer, **__: answer)
        patch.setattr(torch.cuda, "set_device", set_device)
        patch.setattr(torch.cuda, "Event", Event)
        patch.setattr(torch.cuda, "Stream", Stream)
        patch.setattr(torch.cuda, "CUDAGraph", Graph)
        patch.setattr(torch.cuda, "current_stream", Stream)
        patch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
        patch.setattr(torch.cuda, "graph", lambda graph, pool=None: nullcontext())
        patch.setattr(torch.backends.cudnn, "version", lambda: 90000)
        with OnHost():
            yield
