"""Runs items in a process of their own, ends what takes too long, goes on after a crash, and writes the summary."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.gpu.folder import CRASH, CUT, TIMEOUT, Finished, Folder
from benchmarks.gpu.item import Item
from benchmarks.gpu.planning import END, pending, plan
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.steps import all_items
from benchmarks.gpu.summary import write_summary

START = 90.0  # seconds, at most, to import torch
RUNNER = (sys.executable, "-m", "benchmarks.gpu.runner")


def supervise(settings: Settings, command: tuple[str, ...] = RUNNER) -> list[Item]:
    """Run all items that fit before the deadline; return those that are left."""
    folder = Folder(settings.out)
    environment = {**os.environ, **_with_wheels(settings)}
    for line in plan(settings, folder):
        _say(line)
    write_summary(settings, folder)
    while any(pending(settings, folder)):
        before = folder.finished()
        _run(settings, folder, [*command, *settings.arguments, "--deadline", str(settings.deadline)], environment)
        if folder.finished() == before:
            break  # it could not even begin
    write_summary(settings, folder)
    done = folder.done()
    return [item for item in all_items(settings.sizes) if item.key not in done]


def _with_wheels(settings: Settings) -> dict[str, str]:
    """Unpack the wheels that were given, and return the variable that lets Python find them."""
    if settings.wheels is None:
        return {}
    site = (settings.out / "site").absolute()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--upgrade", "--target"]
    wheels = map(str, sorted(settings.wheels.glob("*.whl")))
    result = subprocess.run([*command, str(site), *wheels], capture_output=True, text=True, check=False)
    if result.returncode:
        _say(f"--wheels {settings.wheels}: not installed: {result.stderr.strip()[-300:]}")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))}


def _run(settings: Settings, folder: Folder, command: list[str], environment: dict[str, str]) -> None:
    """Run one process until it ends or has to be ended; what it was doing then is kept, with the rows it has."""
    items = {item.key: item for item in all_items(settings.sizes)}
    running: Item | None = None
    began, limit = time.time(), START
    log = settings.out / "log.txt"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True, env=environment
        )
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        status = CUT  # also where this process is interrupted
        try:
            while True:
                last = settings.deadline - END
                try:
                    line = lines.get(timeout=max(0.05, min(began + limit, last) - time.time()))
                except queue.Empty:
                    status = CUT if time.time() >= last else TIMEOUT
                    break
                word, _, key = line.strip().partition(" ")
                if not line:
                    status = CRASH
                    break
                if word == "begin":
                    running, began, limit = items[key], time.time(), items[key].limit
                    _say(f"{settings.left():4.0f} s left: {key} (planned {running.planned:.0f} s)")
                elif word == "end":
                    running, began, limit = None, time.time(), START
                    write_summary(settings, folder)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if running is not None and running.key not in folder.done():
                reasons = {
                    CUT: "the end of the call; the next one repeats it",
                    TIMEOUT: f"over {limit:.0f} s",
                    CRASH: f"exit code {process.returncode}: {_last_line(log)}",
                }
                rows, took = folder.rows_of(running.key), round(time.time() - began, 1)
                folder.keep(Finished(running.key, running.step, running.table, status, reasons[status], took, rows))
                write_summary(settings, folder)
    if running is None and status == CRASH and process.returncode:
        _say(f"the process that measures ended with exit code {process.returncode}: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return f"{lines[-1].strip()[:200]} (log.txt)" if lines else "see log.txt"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")
