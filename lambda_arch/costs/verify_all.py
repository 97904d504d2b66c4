"""Verification of many architectures, on all cores; counts made before are not made again."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from lambda_arch.arch import Architecture, extension_modules
from lambda_arch.costs.agreement import Verification, agreement, run_counters
from lambda_arch.costs.counted import Counted
from lambda_arch.costs.kept_counts import counts_of, keep_counts, read_counts

SCRIPT = Path(__file__).with_name("counting_worker.py")
FEW = 3
"""Fewer architectures than this are counted in this process, because a worker first has to import torch."""
MEMORY = 3e9
"""Bytes that a worker may need: of the largest published network, on one image."""

Counts = tuple[Counted, ...]


def verify_all(architectures: Sequence[Architecture], *, onnx: bool = False) -> Iterator[Verification]:
    """Yield the verification of each architecture in order; ``onnx``: by the counter of ONNX's graph too.

    What the counters found is kept in the user's cache folder, by architecture, code and versions, as soon as it
    is known, and is not counted again.
    """
    known = {each: counts for each in architectures if (counts := read_counts(each, onnx)) is not None}
    left = list(dict.fromkeys(each for each in architectures if each not in known))
    with _counting(left, onnx) as counted:
        for each in architectures:
            kept = each in known
            while each not in known:
                known[left.pop(0)] = next(counted)
            yield agreement(each, known[each], kept=kept)


@contextmanager
def _counting(architectures: Sequence[Architecture], onnx: bool) -> Iterator[Iterator[Counts]]:
    """Yield an iterator of the counts of ``architectures``, which are kept as they are made."""
    number = min(len(architectures), _most())
    if len(architectures) < FEW or number < 2 or extension_modules():
        yield (_counted(each, onnx) for each in list(architectures))
        return
    with ExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(number))
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        workers = stack.enter_context(_workers(number, onnx))
        yield executor.map(workers, list(architectures))


def _counted(architecture: Architecture, onnx: bool) -> Counts:
    return _kept(architecture, run_counters(architecture, onnx=onnx), onnx)


def _kept(architecture: Architecture, counts: Counts, onnx: bool) -> Counts:
    keep_counts(architecture, counts, onnx)
    return counts


def _most() -> int:
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(psutil.virtual_memory().available / MEMORY)))


@contextmanager
def _workers(number: int, onnx: bool) -> Iterator[Callable[[Architecture], Counts]]:
    """Start worker processes; yield a function that counts in an idle one, and ends them afterwards."""
    idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
    stopped = threading.Event()
    processes = [_start() for _ in range(number)]
    for each in processes:
        idle.put(each)

    def ask(architecture: Architecture) -> Counts:
        process = idle.get()
        try:
            line = _reply(process, architecture, onnx)
        finally:
            idle.put(process)
        if stopped.is_set():
            raise InterruptedError
        # a worker that fails leaves the error to be raised here
        return _kept(architecture, counts_of(json.loads(line)), onnx) if line else _counted(architecture, onnx)

    try:
        yield ask
    finally:
        stopped.set()
        for each in processes:
            each.kill()
            each.wait()
            for pipe in (each.stdin, each.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]


def _start() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C reaches only the parent, which ends the worker
        text=True,
        encoding="utf-8",
    )


def _reply(process: "subprocess.Popen[str]", architecture: Architecture, onnx: bool) -> str:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(f"{json.dumps([str(architecture), onnx])}\n")
        process.stdin.flush()
        return process.stdout.readline()
    except (OSError, ValueError):  # it has ended
        return ""
