"""Progress on stderr: a bar with the time left on a terminal, and a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from lambda_arch.cli.messages import say

if TYPE_CHECKING:
    from lambda_arch.cluster.progress import Tasks
    from lambda_arch.timing.progress import Event

T = TypeVar("T")
Advance = Callable[[float, str], None]
"""Advances a bar by so many steps and names the current item; an empty name keeps the last one."""
SECONDS_PER_LINE = 10.0
SECONDS_BEFORE_STATUS = 2.0


@contextmanager
def progress_bar(total: int, what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """Yield the function that moves a bar headed ``what`` towards ``total`` steps."""
    if quiet or not total:
        yield lambda steps, name: None
        return
    if not sys.stderr.isatty():
        with _lines_of(total, what) as advance:
            yield advance
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(what, total=total)

        def advance(steps: float, name: str) -> None:
            progress.update(task, advance=steps, description=f"{what} {name[:40]}" if name else None)

        yield advance


@contextmanager
def _lines_of(total: int, what: str) -> Iterator[Advance]:
    """Yield the function that counts steps, and say every ten seconds how many of ``total`` are done."""
    from lambda_arch.reporting.training import duration

    start = time.monotonic()
    done, current = 0.0, ""

    def advance(steps: float, name: str) -> None:
        nonlocal done, current
        done, current = done + steps, name or current

    def line() -> str:
        share = min(done / total, 1.0)
        spent = time.monotonic() - start
        named = f"{what} {current}".rstrip()
        if not 0 < share < 1:
            return f"{named}: {duration(spent)} so far"
        return f"{named}: {share:.0%} after {duration(spent)}, about {duration(spent * (1 - share) / share)} left"

    with _saying(line):
        yield advance


@contextmanager
def _saying(line: Callable[[], str]) -> Iterator[None]:
    """Write a line to stderr every ten seconds, however long a step of the block takes."""
    from threading import Event, Thread

    over = Event()

    def tell() -> None:
        while not over.wait(SECONDS_PER_LINE):
            say(line(), err=True)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def busy(what: str) -> Iterator[Callable[[float], None]]:
    """Say that ``what`` goes on: on a terminal after two seconds, elsewhere every ten seconds.

    Yields a function that takes the share done, for the part of the work of which it is known.
    """
    if not sys.stderr.isatty():
        with _lines_of(1, what) as advance:
            done = 0.0

            def to(share: float) -> None:
                nonlocal done
                advance(share - done, "")
                done = share

            yield to
        return
    from threading import Timer

    from rich.console import Console

    status = Console(file=sys.stderr).status(what)
    timer = Timer(SECONDS_BEFORE_STATUS, status.start)
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


def say_note(now: "Tasks") -> None:
    """Say what happened on a cluster, where it is more than progress."""
    if now.note:
        say(f"note: {now.note}", err=True)


@contextmanager
def watch_cluster(what: str, *, quiet: bool) -> "Iterator[Callable[[Tasks], None]]":
    """Yield a function that shows how many tasks are done, and on how many nodes, under a bar headed ``what``."""
    with ExitStack() as stack:
        waiting = stack.enter_context(ExitStack())
        if not quiet:
            waiting.enter_context(busy(f"{what}: joining the cluster and looking at its nodes"))
        bar = stack.enter_context(ExitStack())
        advance: Advance | None = None
        done = 0

        def show(now: "Tasks") -> None:
            nonlocal advance, done
            say_note(now)
            if now.done < done:  # the next works of a loop
                bar.close()
                advance, done = None, 0
            if not (now.running or now.done):
                return
            if advance is None:
                waiting.close()
                advance = bar.enter_context(progress_bar(now.total, what, quiet=quiet))
            advance(now.done - done, str(now))
            done = now.done

        yield show


@contextmanager
def watch(what: str, *, quiet: bool, before: str = "looking at the device") -> "Iterator[Callable[[Event], None]]":
    """Yield a function that shows the events of a measurement under a bar headed ``what``.

    ``before`` says what goes on until there is a plan.
    """
    from lambda_arch.timing.progress import LargestBatchSize, Planned
    from lambda_arch.timing.rounds import Finished, Loading, Sampled

    spent: dict[object, float] = {}
    ended: set[object] = set()
    with ExitStack() as stack:
        waiting = stack.enter_context(ExitStack())
        if not quiet:
            waiting.enter_context(busy(f"{what}: {before}"))
        plan = Planned((), 1.0)
        advance: Advance = lambda steps, name: None  # noqa: E731  # until there is a plan

        def show(event: "Event") -> None:
            nonlocal plan, advance
            if isinstance(event, LargestBatchSize):
                say(f"{event.architecture}: the largest batch that fits is {event.batch_size}", err=True)
            elif isinstance(event, Planned):
                plan = event
                waiting.close()
                advance = stack.enter_context(progress_bar(len(plan.jobs), what, quiet=quiet))
            elif isinstance(event, Loading):
                advance(0, event.job.title or event.job.architecture)
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
