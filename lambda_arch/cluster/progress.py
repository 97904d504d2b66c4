"""The events of a cluster's work, as they are passed to a progress callback."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tasks:
    """How far it is: ``done`` of ``total`` tasks, on so many ``nodes``; ``running`` are with Ray.

    ``note`` says what happened, where it is more than progress: a node was lost, or is left out.
    """

    nodes: int
    total: int
    done: int
    running: int
    note: str = ""

    def __str__(self) -> str:
        return f"{self.done}/{self.total} tasks on {self.nodes} node{'s' * (self.nodes != 1)}"


Progress = Callable[[Tasks], object] | None
