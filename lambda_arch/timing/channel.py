"""The side of a worker process that gives it commands, and outlives it."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import Any

from lambda_arch.errors import SetupError
from lambda_arch.store.status import Status

START = 120.0  # seconds for a describing command: to import torch and look at a device


class WorkerError(Exception):
    """A worker's command came to nothing. ``status``: oom, failed, crash or timeout; ``reason``: a line."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class Worker:
    """A worker process. Use as a context manager; it is ended at the end, whatever it is doing."""

    def __init__(self, threads: int = 0) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lambda_arch.timing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            start_new_session=True,  # Ctrl-C is for us; we end it
            text=True,
            encoding="utf-8",
        )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, do: str, **arguments: Any) -> None:
        """Give a command; :meth:`receive` its answer."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it is gone: receive says how
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()

    def receive(self, limit: float) -> dict[str, Any]:
        """Return the answer to the command given.

        Raises :class:`WorkerError` where there is none within ``limit`` seconds (the worker is ended then), where it
        died, or where it could not do it; :class:`SetupError` for a setup that its device does not do.
        """
        try:
            line = self._answers.get(timeout=limit)
        except queue.Empty:
            self.close()
            raise WorkerError(Status.TIMEOUT, f"no answer within {limit:g} s") from None
        if not line:
            raise WorkerError(Status.CRASH, self._last_words())
        answer = json.loads(line)
        if "ok" in answer:
            found: dict[str, Any] = answer["ok"]
            return found
        if answer["error"] == "setup":
            raise SetupError(answer["reason"])
        raise WorkerError(Status(answer["error"]), answer["reason"])

    def ask(self, do: str, limit: float = START, **arguments: Any) -> dict[str, Any]:
        """Give a command and return its answer; raises as :meth:`receive` does."""
        self.send(do, **arguments)
        return self.receive(limit)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._stderr):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError, OSError):
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put("")

    def _last_words(self) -> str:
        code = self._process.wait()
        words = ""
        with suppress(OSError, ValueError):
            self._stderr.seek(0)
            lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
            words = f": {lines[-1].strip()[:200]}" if lines else ""
        if code == -signal.SIGKILL:
            return "killed; the system does that when memory runs out"
        ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"left with exit code {code}"
        return f"{ended}{words}"
