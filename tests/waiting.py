"""Waiting for what another process or thread does, however slow the machine is."""

import time
from collections.abc import Callable
from subprocess import Popen

import psutil

HANGS = 600.0
"""Seconds after which a test takes something for hanging; nothing that works comes near them."""


def wait_until(happened: Callable[[], object], process: Popen | None = None) -> None:
    """Return when ``happened()``; fail if ``process``, which should do it, ends before."""
    end = time.monotonic() + HANGS
    while not happened():
        assert process is None or process.poll() is None, f"ended with exit code {process.returncode}"
        assert time.monotonic() < end, "hangs"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, though its parent may not have taken note."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
