"""Measurements of whole networks by the library's own workers, but in this process. Imports torch.

A worker process takes some ten seconds to import torch and to open the device; for the networks of the published tables
that is longer than all measurements. Here a crash costs the item, and the supervisor watches the time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import torch

from lambda_arch.errors import SetupError
from lambda_arch.timing import machines, rounds
from lambda_arch.timing.protocol.messages import (
    Failure,
    LoadReply,
    LoadRequest,
    Machine,
    Peak,
    Peaks,
    PeaksRequest,
    Refusal,
    Reply,
    Request,
    SampleReply,
    SampleRequest,
)
from lambda_arch.timing.protocol.process import WorkerError
from lambda_arch.timing.worker.machine import describe_machine
from lambda_arch.timing.worker.session import Session

UNLIMITED = 1 << 62  # bytes; a limit would stay when the worker is gone


class OwnWorker:
    """What a worker process does, by the same code, here. Several share a device, so each counts its own memory."""

    def __init__(self, threads: int = 0) -> None:
        del threads  # as this process was started
        self._session: Session | None = Session()
        self._own = 0  # bytes that its network holds between steps

    def __enter__(self) -> "OwnWorker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def machine(self, device: str) -> Machine:
        """Return the machine as seen from ``device``."""
        return describe_machine(device)

    def peaks(self, device: str, threads: int, seconds: float) -> tuple[Peak, ...]:
        """Measure the peak rates of ``device``, where the store has none."""
        reply = self._answer(PeaksRequest(device, threads, seconds))
        assert isinstance(reply, Peaks)
        return reply.peaks

    def load(self, request: LoadRequest, timeout: float) -> LoadReply:
        """Build a network and warm it up."""
        del timeout
        before = _allocated()
        reply = self._answer(replace(request, memory=UNLIMITED))
        assert isinstance(reply, LoadReply)
        self._own = _allocated() - before
        return replace(reply, base_memory=0)

    def sample(self, seconds: float, timeout: float) -> SampleReply:
        """Return about ``seconds`` of samples; the peak is without the memory of other networks."""
        del timeout
        others = _allocated() - self._own
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        reply = self._answer(SampleRequest(seconds))
        assert isinstance(reply, SampleReply)
        return replace(reply, peak_memory=reply.peak_memory - others)

    def close(self) -> None:
        """Forget the network."""
        self._session = None
        if torch.cuda.is_available():
            gc.collect()
            torch.cuda.empty_cache()

    def _answer(self, request: Request) -> Reply:
        assert self._session is not None
        reply = self._session.answer(request)
        if isinstance(reply, Refusal):
            raise SetupError(reply.reason)
        if isinstance(reply, Failure):
            self.close()
            raise WorkerError(reply.status, reply.reason)
        return reply


def _allocated() -> int:
    return int(torch.cuda.memory_allocated()) if torch.cuda.is_available() else 0


@contextmanager
def in_own_process() -> Iterator[None]:
    """Let this process be every worker."""
    with patch.object(rounds, "WorkerProcess", OwnWorker), patch.object(machines, "WorkerProcess", OwnWorker):
        yield
