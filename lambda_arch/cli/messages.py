"""Messages to people, next to a command's report."""

from typing import TYPE_CHECKING

import typer

from lambda_arch.errors import escaped

if TYPE_CHECKING:
    from lambda_arch.store import Store


def say(message: str, *, err: bool = False) -> None:
    """Print ``message`` to stdout or stderr, with what no terminal should get (names come from anywhere) escaped."""
    typer.echo("\n".join(map(escaped, message.split("\n"))), err=err)


def note_left_out(store: "Store") -> None:
    """Say how many rows of ``store`` are left out, because they are damaged or not known, and name one."""
    from lambda_arch.store.damage import find_damaged, unknown_architectures

    found = find_damaged(store)
    if found:
        more = f"{len(found)} damaged rows are left out, such as" if len(found) > 1 else "a damaged row is left out:"
        say(f"note: {more} {found[0].table} {found[0].row}; `lambda-arch results check` lists them", err=True)
    unknown = unknown_architectures(store)
    if unknown:
        which = f"unknown architecture{'s, such as' if len(unknown) > 1 else ''} {next(iter(unknown))}"
        say(f"note: {sum(unknown.values())} left out: {which}, whose extension is not registered", err=True)
