"""Messages to people, next to a command's report."""

import typer

from lambda_arch.errors import escaped


def say(message: str, *, err: bool = False) -> None:
    """Print ``message`` to stdout or stderr, with what no terminal should get (names come from anywhere) escaped."""
    typer.echo("\n".join(map(escaped, message.split("\n"))), err=err)
