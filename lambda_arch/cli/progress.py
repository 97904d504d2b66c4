"""A progress bar with the time left, on stderr, where that is a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from lambda_arch.timing.rounds import Event

T = TypeVar("T")
Advance = Callable[[float, str], None]
"""Moves a bar on by so many of its steps, and names what is done now; an empty name leaves the last one."""


@contextmanager
def progress_bar(total: int, what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Yield the function that moves a bar headed ``what`` towards ``total`` steps."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    console = Console(file=sys.stderr)
    hidden = quiet or not total or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=total)

        def advance(steps: float, name: str) -> None:
            progress.update(task, advance=steps, description=f"{what} {name[:40]}" if name else None)

        yield advance


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield ``items``, of which there are ``total``, under a bar headed ``what``."""
    with progress_bar(total, what) as advance:
        for item in items:
            yield item
            advance(1, "")


def watch(events: "Iterable[Event]", jobs: int, seconds: float, what: str, quiet: bool) -> None:
    """Run ``events`` to their end under a bar: ``jobs`` networks of ``seconds`` each at most."""
    from lambda_arch.timing.rounds import Finished, Loading, Sampled

    spent: dict[str, float] = {}
    with progress_bar(jobs, what, quiet=quiet) as advance:
        for event in events:
            name = event.job.architecture
            if isinstance(event, Loading):
                advance(0, name)
            elif isinstance(event, Sampled):
                share = min(event.seconds / seconds, 1.0 - spent.get(name, 0.0))
                spent[name] = spent.get(name, 0.0) + share
                advance(share, "")
            elif isinstance(event, Finished):
                advance(1.0 - spent.pop(name, 0.0), "")
