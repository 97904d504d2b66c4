"""The command line for tests: in this process, or as a process of its own where that is the point."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

MODULE = (sys.executable, "-m", "lambda_arch")


class Result(NamedTuple):
    code: int
    out: str
    err: str


class Stream(io.TextIOWrapper):
    """A captured stdout or stderr that is a terminal or a pipe, as asked."""

    def __init__(self, terminal: bool, errors: str = "strict") -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors=errors, newline="", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        return self.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]


def run(*arguments: object, cwd: Path | None = None, terminal: bool = False, **environment: str) -> Result:
    """Run the command line in this process, in a pipe of 80 columns unless told otherwise.

    A mistake of ours (exit code 70) fails here, and so do NaN and infinities in JSON. A command must leave the process
    as it found it.
    """
    from lambda_arch.cli.main import main

    out, err = Stream(terminal), Stream(terminal, "backslashreplace")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"COLUMNS": "80", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        if cwd is not None:
            patch.chdir(cwd)
        before = process_state()
        code = main([str(argument) for argument in arguments])
        after = process_state()
    for name, value in before.items():
        assert after[name] == value, f"the command changed the {name} of its process"
    assert code != 70, err.text()
    if "json" in arguments and code == 0 and out.text():
        json.loads(out.text(), parse_constant=_refuse)
    return Result(code, out.text(), err.text())


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def process_state() -> dict[str, object]:
    """Return what a command could change for those that run after it in the same process."""
    # torch notes where its compiler keeps files, scikit-learn how threads are loaded
    noted = ("TORCHINDUCTOR", "KMP_")
    state: dict[str, object] = {
        "environment": {name: value for name, value in os.environ.items() if not name.startswith(noted)},
        "folder": Path.cwd(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
    }
    if torch := sys.modules.get("torch"):
        state |= {
            "threads": torch.get_num_threads(),
            "gradients": torch.is_grad_enabled(),
            "dtype": torch.get_default_dtype(),
        }
    return state


@contextmanager
def started(*command: object, **how: Any) -> Iterator[subprocess.Popen]:
    """Yield a process, which leads a group of its own; whatever happens, nothing of it goes on after the block."""
    with subprocess.Popen([*map(str, command)], start_new_session=True, **how) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def run_process(*arguments: object, cwd: Path | None = None, **environment: str) -> Result:
    """Run ``python -m lambda_arch`` as a user's shell does."""
    done = subprocess.run(
        [*MODULE, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        cwd=cwd,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
