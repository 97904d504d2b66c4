"""When to stop before the end: signals, and the time that was given."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from types import FrameType


class Stop(IntEnum):
    """Why a run stops; of several processes' reasons the largest counts."""

    NO = 0
    OUT_OF_TIME = 1
    INTERRUPTED = 2
    TERMINATED = 3
    NOT_FINITE = 4


class Stopper:
    """Asked after every step whether to save and stop."""

    def __init__(self, hours: float = 0.0) -> None:
        self._deadline = time.monotonic() + 3600 * hours if hours else float("inf")
        self._asked = Stop.NO

    def ask(self, why: Stop) -> None:
        """Ask to stop after the step that is under way."""
        self._asked = max(self._asked, why)

    def reason(self) -> Stop:
        """Return why to stop now."""
        if self._asked == Stop.NO and time.monotonic() >= self._deadline:
            return Stop.OUT_OF_TIME
        return self._asked


@contextmanager
def stops_on_signals(hours: float = 0.0) -> Iterator[Stopper]:
    """Yield a stopper that SIGINT and SIGTERM ask, once: a second one ends the process as usual."""
    stopper = Stopper(hours)
    if threading.current_thread() is not threading.main_thread():
        yield stopper
        return
    reasons = {signal.SIGINT: Stop.INTERRUPTED, signal.SIGTERM: Stop.TERMINATED}
    before = {number: signal.getsignal(number) for number in reasons}

    def handle(number: int, _: FrameType | None) -> None:
        stopper.ask(reasons[signal.Signals(number)])
        signal.signal(number, before[signal.Signals(number)])

    for number in reasons:
        signal.signal(number, handle)
    try:
        yield stopper
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
