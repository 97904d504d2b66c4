"""The isolated process that measures one case: ``python -m lambda_arch.timing.worker``.

It reads a command a line (JSON) and answers each with a line (JSON). When whoever started it is gone, so is it. What
it cannot do is an answer, not a crash; where it does crash, only it is lost.
"""

import gc
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from lambda_arch.store.status import Status

SAMPLE = 2e-3  # a sample lasts at least that long: quicker steps are repeated within it


class Session:
    """The state between commands: the workload that was loaded, and what is timed of it."""

    def __init__(self) -> None:
        self._workload: Any = None
        self._timer: Any = None
        self._memory: Any = None
        self._readings: Any = None
        self._parts: Any = None
        self._repeat = 1

    def describe(self, device: str) -> dict[str, Any]:
        """Answer with the machine as seen from ``device``."""
        from lambda_arch.timing.machine import machine

        found = machine(device)
        return {**found.as_dict(), "fingerprint": found.fingerprint}

    def devices(self) -> dict[str, Any]:
        """Answer with the names of the devices here."""
        from lambda_arch.timing.machine import devices

        return {"devices": devices()}

    def ceilings(self, device: str, threads: int, seconds: float) -> dict[str, Any]:
        """Answer with the measured ceilings of ``device``."""
        from lambda_arch.timing.ceilings import measure_ceilings

        return {"ceilings": measure_ceilings(device, threads, seconds)}

    def load(
        self, architecture: str, setup: dict[str, Any], warmup: float, memory: int, parts: bool = False
    ) -> dict[str, Any]:
        """Build a network and warm it up until it is stable; answer with how long that took."""
        from lambda_arch.arch import parse
        from lambda_arch.store.setup import Setup
        from lambda_arch.timing.machine import check_present
        from lambda_arch.timing.readings import Readings
        from lambda_arch.timing.statistics import is_warm
        from lambda_arch.timing.workload import Memory, Timer, Workload

        asked = Setup(**setup)
        check_present(asked.device)
        self._workload = self._parts = None
        gc.collect()
        if asked.kind == "cpu":
            _limit_memory(memory)
        self._memory = Memory(asked.device)
        base = self._memory.peak()
        start = time.perf_counter()
        self._workload = Workload(parse(architecture), asked)
        self._timer = Timer(asked.device, asked.clock)
        self._readings = Readings(asked.device)
        if parts:
            from lambda_arch.timing.parts import PartTimer

            self._parts = PartTimer(self._workload)
        built = time.perf_counter()
        seconds: list[float] = []
        while not is_warm(seconds) and (len(seconds) < 2 or time.perf_counter() - built < warmup):
            seconds.append(self._timer.seconds(self._workload.step))
        self._repeat = max(1, round(SAMPLE / max(min(seconds), 1e-9) + 0.5)) if min(seconds) < SAMPLE else 1
        return {
            "build_seconds": built - start,
            "warmup": seconds,
            "warm": is_warm(seconds),
            "repeat": self._repeat,
            "base_memory": base,
            "parts": self._parts.names if self._parts else [],
        }

    def turn(self, seconds: float) -> dict[str, Any]:
        """Answer with samples (seconds a step; a list a part, where parts are timed) worth about ``seconds``."""
        self._workload.step()  # the others have had the caches in the meantime
        self._timer.synchronize()
        self._readings.begin()
        samples: list[Any] = []
        start = time.perf_counter()
        while not samples or time.perf_counter() - start < seconds:
            samples.append(
                self._parts.sample() if self._parts else self._timer.seconds(self._workload.step, self._repeat)
            )
        images = len(samples) * self._workload.setup.batch_size * (1 if self._parts else self._repeat)
        readings = self._readings.end(images)
        peak = self._memory.peak()
        if self._workload.device.type == "cuda":
            import torch

            torch.cuda.empty_cache()  # the next case's turn finds the memory free
        return {"samples": samples, "readings": readings, "peak_memory": peak}


def _limit_memory(memory: int) -> None:
    """Let this process run out of memory by itself, before the system ends it, or somebody else's."""
    if sys.platform != "linux":
        return
    import resource

    import psutil

    limit = (memory or psutil.virtual_memory().available) + psutil.Process().memory_info().rss
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _answer(session: Session, command: dict[str, Any]) -> dict[str, Any]:
    from lambda_arch.errors import LambdaArchError

    action: Callable[..., dict[str, Any]] = getattr(session, command.pop("do"))
    try:
        return {"ok": action(**command)}
    except MemoryError as error:
        return {"error": Status.OUT_OF_MEMORY, "reason": _one_line(error)}
    except LambdaArchError as error:
        return {"error": "setup", "reason": str(error)}
    except Exception as error:
        kind = Status.OUT_OF_MEMORY if _is_out_of_memory(error) else Status.FAILED
        return {"error": kind, "reason": _one_line(error)}


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in ("out of memory", "can't allocate memory", "cannot allocate memory"))


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _read(lines: TextIO, commands: "queue.Queue[str]") -> None:
    for line in lines:
        commands.put(line)
    os._exit(0)  # nobody listens any more


def main() -> None:
    """Answer commands until standard input ends."""
    # what libraries print must not be taken for an answer
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    commands: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin, commands), daemon=True).start()
    session = Session()
    while True:
        answer = _answer(session, json.loads(commands.get()))
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(0)


if __name__ == "__main__":
    main()
