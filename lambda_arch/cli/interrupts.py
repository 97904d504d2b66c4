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
def interruptible() -> Iterator[Interruption]:
    """Let Ctrl-C and SIGTERM end the block instead of the program, and yield what then knows of it."""
    import signal

    interruption = Interruption()

    def on_term(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, on_term)
    try:
        yield interruption
    except KeyboardInterrupt:
        interruption.came = True
    finally:
        signal.signal(signal.SIGTERM, before)
