"""Workers that only pretend, for tests in which the process is not the point."""

import itertools
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import ClassVar

import pytest

from lambda_arch.arch import parse
from lambda_arch.store import Status
from lambda_arch.timing import batch_sizes, machines, rounds
from lambda_arch.timing.protocol import WorkerError
from lambda_arch.timing.protocol.messages import Conditions, LoadReply, Machine, Peak, SampleReply

PEAK_MEMORY = 100_000_000
MACHINE = Machine("cpu", "a device", 1, "", "", "", "", "2.0", "0", "a cpu", 2, "Linux", "3.11")


class FakeWorker(AbstractContextManager):
    """A worker whose network takes a second per part (or step), unless ``fates`` says what becomes of it by its name.

    A round takes as long as was asked for, on the clock ``now``, however slow the machine is.
    Fates: ``oom``, ``crowded`` (out of memory while co-resident), ``noisy`` (until round 8), ``restless`` (always),
    ``crash@3`` (in round 3), ``disturbed`` (others keep the processor busy);
    ``largest``: the batch size that still fits.
    """

    fates: ClassVar[dict[str, str]] = {}
    largest = 10**9
    now = 0.0
    alive = 0
    started = 0

    def __init__(self, threads=0):
        self.rounds = itertools.count(1)
        self.closed = False
        type(self).alive += 1
        type(self).started += 1

    def machine(self, device):
        return MACHINE

    def devices(self):
        return ("cpu",)

    def peaks(self, device, threads, seconds):
        return (Peak("fp32", 1e11, "2x2 matrices"), Peak("copy", 1e10, "1 MiB"))

    def load(self, request, timeout):
        self.fate = self.fates.get(request.architecture, "")
        if self.fate == "oom" or (self.fate == "crowded" and FakeWorker.alive > 1):
            raise WorkerError(Status.OUT_OF_MEMORY, "too large")
        if request.setup.batch_size > self.largest:
            raise WorkerError(Status.OUT_OF_MEMORY, "too large")
        self.parts = ()
        if request.by_part:
            self.parts = tuple(part.path for part in parse(request.architecture).parts())
        return LoadReply(0.0, (1.0, 1.0), True, 1, 0, self.parts, request.setup.dtype)

    def sample(self, seconds, timeout):
        number = next(self.rounds)
        if self.fate == f"crash@{number}":
            raise WorkerError(Status.CRASH, "killed")
        FakeWorker.now += seconds
        last = 3.0 if self.fate == "restless" or (self.fate == "noisy" and number < 9) else 1.0
        now = Conditions(others=0.8 if self.fate == "disturbed" else None)
        if self.parts:
            parts = ((1.0,) * len(self.parts), (last,) * len(self.parts)) * 5
            return SampleReply(tuple(map(sum, parts)), parts, now, PEAK_MEMORY)
        return SampleReply((1.0, last) * 5, (), now, PEAK_MEMORY)

    def close(self):
        FakeWorker.alive -= not self.closed
        self.closed = True

    def __exit__(self, *_):
        self.close()


@contextmanager
def fake_workers():
    """Put :class:`FakeWorker` in the place of worker processes; all have to be ended."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (rounds, machines, batch_sizes):
            patch.setattr(module, "WorkerProcess", FakeWorker)
        patch.setattr(rounds, "time", SimpleNamespace(perf_counter=lambda: FakeWorker.now))
        for name, value in {"fates": {}, "largest": 10**9, "now": 0.0, "alive": 0, "started": 0}.items():
            patch.setattr(FakeWorker, name, value)
        yield FakeWorker
        assert FakeWorker.alive == 0
