"""The loop of a worker process: it answers each request, a line of JSON, with a line of JSON.

It ends with its parent. Errors are replies; a crash of the worker does not affect the parent.
"""

import ctypes
import os
import queue
import signal
import sys
import threading
from typing import TextIO

from lambda_arch.timing.protocol.json_lines import from_line, to_line
from lambda_arch.timing.protocol.messages import Request

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    """Answer requests until standard input ends."""
    _end_with_parent()
    # output of libraries must not be mistaken for a reply
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin, lines), daemon=True).start()

    from lambda_arch.timing.worker.session import Session  # imports torch

    session = Session()
    while True:
        reply = session.answer(from_line(lines.get(), Request))
        try:
            replies.write(to_line(reply))
            replies.flush()
        except BrokenPipeError:
            os._exit(0)


def _end_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, even while it is stopped or busy outside of Python."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _read(stream: TextIO, lines: "queue.Queue[str]") -> None:
    for line in stream:
        lines.put(line)
    os._exit(0)  # the parent is gone
