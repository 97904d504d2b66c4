"""Runs items in a process of their own, ends what takes too long, goes on after a crash, and writes the summary."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

from benchmarks.gpu.folder import CRASH, TIMEOUT, Finished, Folder
from benchmarks.gpu.item import Item
from benchmarks.gpu.runner import pending
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.steps import all_items
from benchmarks.gpu.summary import write_summary

START = 60.0  # seconds, at most, to import torch
RUNNER = (sys.executable, "-m", "benchmarks.gpu.runner")


def supervise(settings: Settings, command: tuple[str, ...] = RUNNER) -> list[Item]:
    """Run all items that fit before the deadline; return those that are left."""
    folder = Folder(settings.out)
    write_summary(settings, folder)
    while any(pending(settings, folder)):
        before = len(folder.finished())
        _run(settings, folder, [*command, *settings.arguments, "--deadline", str(settings.deadline)])
        if len(folder.finished()) == before:
            break  # it could not even begin
    write_summary(settings, folder)
    done = folder.finished()
    return [item for item in all_items(settings.sizes) if item.key not in done]


def _run(settings: Settings, folder: Folder, command: list[str]) -> None:
    """Run one process until it ends or has to be ended; whatever it was doing then is kept as a crash or a timeout."""
    items = {item.key: item for item in all_items(settings.sizes)}
    running: Item | None = None
    began, limit = time.time(), START
    with (settings.out / "log.txt").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        status = CRASH
        try:
            while True:
                try:
                    line = lines.get(timeout=max(0.1, began + limit - time.time()))
                except queue.Empty:
                    status = TIMEOUT
                    break
                word, _, key = line.strip().partition(" ")
                if not line:
                    break
                if word == "begin":
                    running, began, limit = items[key], time.time(), items[key].seconds
                    print(f"{key} (at most {limit:.0f} s, {settings.left():.0f} s left)", file=sys.stderr, flush=True)
                elif word == "end":
                    running, began, limit = None, time.time(), START
                    write_summary(settings, folder)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if running is not None and running.key not in folder.finished():
        reason = f"over {limit:.0f} s" if status == TIMEOUT else f"exit code {process.returncode}, see log.txt"
        took = round(time.time() - began, 1)
        folder.keep(Finished(running.key, running.step, running.table, status, reason, took, []))
        write_summary(settings, folder)


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")
