"""The parent's side of a worker process: it sends requests, waits for replies and ends the process."""

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from lambda_arch.errors import SetupError
from lambda_arch.store.status import Status
from lambda_arch.timing.protocol.json_lines import ProtocolError, from_line, to_line
from lambda_arch.timing.protocol.messages import (
    DeviceNames,
    DevicesRequest,
    Failure,
    LoadReply,
    LoadRequest,
    Machine,
    MachineRequest,
    Peak,
    Peaks,
    PeaksRequest,
    Refusal,
    Reply,
    Request,
    SampleReply,
    SampleRequest,
)

START_TIMEOUT = 120.0  # seconds to import torch and look at a device
PEAKS_TIMEOUT = 600.0
REASON = 200  # characters kept of a worker's last line on stderr
SCRIPT = Path(__file__).parents[1] / "worker" / "__main__.py"

R = TypeVar("R", DeviceNames, Machine, Peaks, LoadReply, SampleReply)


class WorkerError(Exception):
    """A request to a worker failed. ``status``: oom, failed, crash or timeout; ``reason``: one line."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class WorkerProcess:
    """A process that measures. Use it as a context manager, which kills it at the end.

    Every request raises :class:`WorkerError` if no reply comes in time (then the process is killed), or if the process
    dies, runs out of memory or fails; and :class:`SetupError` for a setup that its device does not support.
    """

    def __init__(self, threads: int = 0) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            # like -P, for its own child processes: nothing is imported from the current folder
            env={**os.environ, "PYTHONSAFEPATH": "1", **({"OMP_NUM_THREADS": str(threads)} if threads else {})},
            start_new_session=True,  # Ctrl-C reaches only the parent, which ends the worker
            text=True,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def devices(self) -> tuple[str, ...]:
        """Return the names of the devices of this machine."""
        return self._ask(DevicesRequest(), DeviceNames, START_TIMEOUT).names

    def machine(self, device: str) -> Machine:
        """Return the machine as seen from ``device``."""
        return self._ask(MachineRequest(device), Machine, START_TIMEOUT)

    def peaks(self, device: str, threads: int, seconds: float) -> tuple[Peak, ...]:
        """Measure and return the peak rates of ``device``, for ``seconds`` per size of each operation."""
        return self._ask(PeaksRequest(device, threads, seconds), Peaks, PEAKS_TIMEOUT).peaks

    def load(self, request: LoadRequest, timeout: float) -> LoadReply:
        """Build a network and warm it up, within ``timeout`` seconds."""
        return self._ask(request, LoadReply, timeout)

    def sample(self, seconds: float, timeout: float) -> SampleReply:
        """Return about ``seconds`` of samples of the loaded network, within ``timeout`` seconds."""
        return self._ask(SampleRequest(seconds), SampleReply, timeout)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._stderr):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _ask(self, request: Request, expected: type[R], timeout: float) -> R:
        assert self._process.stdin is not None
        with suppress(OSError):  # if the process is gone, the missing reply tells why
            self._process.stdin.write(to_line(request))
            self._process.stdin.flush()
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.close()
            raise WorkerError(Status.TIMEOUT, f"no answer within {timeout:g} s") from None
        if not line:
            raise WorkerError(Status.CRASH, self._last_words())
        try:
            reply = from_line(line, Reply)
        except ProtocolError as error:
            self.close()
            raise WorkerError(Status.CRASH, str(error)) from None
        if isinstance(reply, Refusal):
            raise SetupError(reply.reason)
        if isinstance(reply, Failure):
            raise WorkerError(reply.status, reply.reason)
        assert isinstance(reply, expected)
        return reply

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError, OSError):
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put("")

    def _last_words(self) -> str:
        code = self._process.wait()
        words = ""
        with suppress(OSError, ValueError):
            self._stderr.seek(0)
            lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
            words = f": {lines[-1].strip()[:REASON]}" if lines else ""
        if code == -signal.SIGKILL:
            return "killed; the system does that when memory runs out"
        ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"left with exit code {code}"
        return f"{ended}{words}"
