"""Messages to people, next to a command's report."""

from typing import TYPE_CHECKING

import typer

from lambda_arch.errors import escaped

if TYPE_CHECKING:
    from lambda_arch.store import Store


def say(message: str, *, err: bool = False) -> None:
    """Print ``message`` to stdout or stderr, with what no terminal should get (names come from anywhere) escaped."""
    typer.echo("\n".join(map(escaped, message.split("\n"))), err=err)


def note_damaged(store: "Store") -> None:
    """Say how many damaged rows of ``store`` are left out, and name one."""
    from lambda_arch.store import find_damaged

    found = find_damaged(store)
    if found:
        more = f"{len(found)} damaged rows are left out, such as" if len(found) > 1 else "a damaged row is left out:"
        say(f"note: {more} {found[0].table} {found[0].row}; `lambda-arch results check` lists them", err=True)
