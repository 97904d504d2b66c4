"""Samples of a network's latency: warmed up until it is steady, then round by round. Imports torch."""

import statistics
import time
from collections.abc import Sequence

import torch

from lambda_arch.arch import Architecture
from lambda_arch.interop.locating import Location
from lambda_arch.interop.references import Reference
from lambda_arch.store.setup import Setup
from lambda_arch.timing.protocol.messages import LoadReply, SampleReply
from lambda_arch.timing.worker.conditions import ConditionsMeter
from lambda_arch.timing.worker.memory import PeakMemory
from lambda_arch.timing.worker.part_timer import PartTimer
from lambda_arch.timing.worker.timer import Timer
from lambda_arch.timing.worker.workload import Workload

SHORTEST_SAMPLE = 2e-3  # seconds; shorter steps are repeated within a sample
WINDOW = 5  # warm-up steps whose median is compared with that of the window before
STEADY = 0.05  # maximum relative difference of the two
FEWEST_WARMUP_STEPS = 2


class Sampler:
    """A network loaded in a setup, which samples the latency of its steps."""

    def __init__(
        self,
        architecture: Architecture | Reference,
        setup: Setup,
        location: Location | None = None,
        *,
        by_part: bool = False,
    ) -> None:
        self._memory = PeakMemory(setup.device)
        self._base_memory = self._memory.bytes()
        start = time.perf_counter()
        self._workload = Workload(architecture, setup, location)
        self._timer = Timer(setup.device, setup.clock)
        self._conditions = ConditionsMeter(setup.device)
        self._parts = PartTimer(self._workload) if by_part else None
        self._built = time.perf_counter() - start
        self._repeat = 1

    def warm_up(self, limit: float) -> LoadReply:
        """Run steps until they are steady, for at most ``limit`` seconds, and return a report."""
        start = time.perf_counter()
        seconds: list[float] = []
        while not is_steady(seconds) and (len(seconds) < FEWEST_WARMUP_STEPS or time.perf_counter() - start < limit):
            seconds.append(self._timer.seconds(self._workload.step))
        quickest = max(min(seconds), 1e-9)
        self._repeat = max(1, round(SHORTEST_SAMPLE / quickest + 0.5)) if quickest < SHORTEST_SAMPLE else 1
        return LoadReply(
            build_seconds=self._built,
            warmup=tuple(seconds),
            warm=is_steady(seconds),
            repeat=self._repeat,
            base_memory=self._base_memory,
            parts=self._parts.paths if self._parts else (),
            precision=self._workload.precision,
            flops=self._workload.flops,
        )

    def sample(self, seconds: float) -> SampleReply:
        """Return about ``seconds`` of samples, at least one, after a step that does not count."""
        self._workload.step()  # other processes used the caches in the meantime
        self._timer.synchronize()
        self._conditions.start()
        steps: list[float] = []
        parts: list[tuple[float, ...]] = []
        start = time.perf_counter()
        while not steps or time.perf_counter() - start < seconds:
            if self._parts:
                parts.append(self._parts.sample())
                steps.append(sum(parts[-1]))
            else:
                steps.append(self._timer.seconds(self._workload.step, self._repeat))
        runs = len(steps) * (1 if self._parts else self._repeat)
        reply = SampleReply(
            seconds=tuple(steps),
            parts=tuple(parts),
            conditions=self._conditions.stop(runs * self._workload.setup.batch_size),
            peak_memory=self._memory.bytes(),
        )
        if self._workload.device.type == "cuda":
            torch.cuda.empty_cache()  # free the memory for the next process
        return reply


def is_steady(seconds: Sequence[float]) -> bool:
    """Return whether a warm-up is over: the medians of its last two windows of five steps are within 5 %."""
    if len(seconds) < 2 * WINDOW:
        return False
    last, before = (statistics.median(part) for part in (seconds[-WINDOW:], seconds[-2 * WINDOW : -WINDOW]))
    return abs(last - before) <= STEADY * before
