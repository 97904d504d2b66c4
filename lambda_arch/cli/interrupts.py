"""Signals: SIGTERM raises an exception, so that temporary files are removed and finished measurements shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import typer

from lambda_arch.cli.messages import say

KEPT = "finished measurements are kept; the same command continues from there"


@dataclass
class Interruption:
    """Whether a block was interrupted."""

    came: bool = False

    def leave(self, kept: str = KEPT) -> None:
        """If it was interrupted, say so and what is ``kept``, and exit with the code of Ctrl-C."""
        if self.came:
            say(f"lambda-arch: interrupted: {kept}", err=True)
            raise typer.Exit(130)


LONG = 10.0
"""Seconds after which a command says where its results are."""


def leave(*, interrupted: bool, measured: bool) -> None:
    """Leave with the exit code of a measurement that was interrupted (130), or that could measure nothing (1)."""
    Interruption(interrupted).leave()
    if not measured:
        raise typer.Exit(1)


def say_where(since: float, store: Path | None, command: str) -> None:
    """At the end of a command that began at ``since`` and took long, say in which store its results are, and what
    ``command`` shows them.
    """
    if monotonic() - since >= LONG:
        from lambda_arch.store import default_path

        given = "" if store is None else f" --store {store}"
        say(f"kept in {store or default_path()}; `lambda-arch {command}{given}` shows them", err=True)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does."""
    import signal

    def on_term(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, on_term)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Let Ctrl-C and SIGTERM end the block instead of the program; yields whether they did."""
    interruption = Interruption()
    with terminable():
        try:
            yield interruption
        except KeyboardInterrupt:
            interruption.came = True


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SystemExit, so that temporary files are removed.

    A signal that is ignored or has a handler is left alone. Does nothing outside of the main thread.
    """
    import signal
    import threading

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
        before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, handler in before.items():
            if handler is signal.SIG_DFL:  # neither nohup nor an embedding program has set one
                signal.signal(number, leave)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
