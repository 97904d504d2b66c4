"""Ctrl-C and SIGTERM end a measurement, not the program: what is measured is kept and shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer


@dataclass
class Interruption:
    """Whether a block was interrupted."""

    came: bool = False

    def leave(self) -> None:
        """Say so and leave with its exit code, where there was one."""
        if self.came:
            typer.echo(
                "lambda-arch: interrupted: what was measured is kept, the same command goes on from there", err=True
            )
            raise typer.Exit(130)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end what runs in the block as Ctrl-C does."""
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
    """Let Ctrl-C and SIGTERM end the block instead of the program, and yield what then knows of it."""
    interruption = Interruption()
    with terminable():
        try:
            yield interruption
        except KeyboardInterrupt:
            interruption.came = True
