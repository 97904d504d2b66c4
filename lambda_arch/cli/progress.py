"""A progress bar with the time left, on stderr if that is a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from lambda_arch.cli.messages import say

if TYPE_CHECKING:
    from lambda_arch.timing.progress import Event

T = TypeVar("T")
Advance = Callable[[float, str], None]
"""Advances a bar by so many steps and names the current item; an empty name keeps the last one."""


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


@contextmanager
def busy(what: str, after: float = 2.0) -> Iterator[Callable[[float], None]]:
    """Say on a terminal that ``what`` goes on, where the block takes longer than ``after`` seconds.

    Yields a function that takes the share done, for the part of the work of which it is known.
    """
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    from threading import Timer

    from rich.console import Console

    status = Console(file=sys.stderr).status(what)
    timer = Timer(after, status.start)
    timer.start()
    try:
        yield lambda share: status.update(f"{what}: {share:.0%} read" if share < 1 else what)
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield ``items``, ``total`` in number, under a bar headed ``what``."""
    with progress_bar(total, what) as advance:
        for item in items:
            yield item
            advance(1, "")


@contextmanager
def watch(what: str, *, quiet: bool) -> "Iterator[Callable[[Event], None]]":
    """Yield a function that shows the events of a measurement under a bar headed ``what``."""
    from lambda_arch.timing.progress import LargestBatchSize, Planned
    from lambda_arch.timing.rounds import Finished, Loading, Sampled

    spent: dict[object, float] = {}
    ended: set[object] = set()
    with ExitStack() as stack:
        plan = Planned((), 1.0)
        advance: Advance = lambda steps, name: None  # noqa: E731  # until there is a plan

        def show(event: "Event") -> None:
            nonlocal plan, advance
            if isinstance(event, LargestBatchSize):
                say(f"{event.architecture}: the largest batch that fits is {event.batch_size}", err=True)
            elif isinstance(event, Planned):
                plan = event
                advance = stack.enter_context(progress_bar(len(plan.jobs), what, quiet=quiet))
            elif isinstance(event, Loading):
                advance(0, event.job.architecture)
            elif event.job in ended:
                pass  # it is measured again
            elif isinstance(event, Sampled):
                share = min(event.seconds / plan.seconds, 1.0 - spent.get(event.job, 0.0))
                spent[event.job] = spent.get(event.job, 0.0) + share
                advance(share, "")
            elif isinstance(event, Finished):
                ended.add(event.job)
                advance(1.0 - spent.pop(event.job, 0.0), "")

        yield show
