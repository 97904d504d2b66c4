"""Requests answered in this process; what is only true of a process of its own is in test_process."""

import pytest
import torch

from lambda_arch.store import Setup
from lambda_arch.timing.protocol.messages import (
    DeviceNames,
    DevicesRequest,
    Failure,
    LoadReply,
    LoadRequest,
    Machine,
    MachineRequest,
    Refusal,
    SampleReply,
    SampleRequest,
)
from lambda_arch.timing.worker import session as module
from lambda_arch.timing.worker.session import Session

CPU_ALLOCATOR = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory:"
LOAD = LoadRequest("resnet18@32", Setup(threads=1), warmup=0.0)


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setattr(module, "limit_memory", lambda memory: None)  # this process has more to do
    return Session()


@pytest.mark.slow
def test_a_network_is_loaded_and_sampled(session):
    assert isinstance(session.answer(LOAD), LoadReply)
    assert isinstance(session.answer(SampleRequest(0.0)), SampleReply)


def test_the_machine_and_its_devices_are_told(session):
    assert "cpu" in session.answer(DevicesRequest()).names
    found = session.answer(MachineRequest("cpu"))
    assert isinstance(found, Machine)
    assert found.torch == torch.__version__
    assert found.fingerprint == session.answer(MachineRequest("cpu")).fingerprint


def test_a_device_that_is_not_here_is_refused(session):
    absent = f"cuda:{torch.cuda.device_count()}"
    reply = session.answer(MachineRequest(absent))
    assert isinstance(reply, Refusal)
    assert f"{absent}: not here" in reply.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError("no"), "oom"),
        (RuntimeError(f"{CPU_ALLOCATOR} you tried to allocate 805306368 bytes. Error code 12 (...)"), "oom"),
        (torch.OutOfMemoryError("CUDA out of memory."), "oom"),
        (RuntimeError("expected scalar type\nFloat"), "failed"),
        (NotImplementedError("no kernel"), "failed"),
    ],
)
def test_what_torch_raises_is_a_reply(session, monkeypatch, error, status):
    def raising(*_, **__):
        raise error

    monkeypatch.setattr(module, "Sampler", raising)
    reply = session.answer(LOAD)
    assert isinstance(reply, Failure)
    assert reply.status == status
    assert "\n" not in reply.reason
    assert "enforce" not in reply.reason
    assert type(error).__name__ in reply.reason


def test_devices_is_no_failure(session):
    assert isinstance(session.answer(DevicesRequest()), DeviceNames)
