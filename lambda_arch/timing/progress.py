"""The events that the verbs pass to a progress callback."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lambda_arch.timing.rounds import Job, RoundEvent


@dataclass(frozen=True, slots=True)
class Planned:
    """The jobs to run, which the store lacks, each with at most ``seconds`` of sampling."""

    jobs: tuple[Job, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class LargestBatchSize:
    """The largest batch size that fits was found for an architecture."""

    architecture: str
    batch_size: int


Event = Planned | LargestBatchSize | RoundEvent
Progress = Callable[[Event], object] | None


def follow(events: Iterable[Event], progress: Progress) -> bool:
    """Call ``progress`` with each of ``events``; return whether Ctrl-C ended them early."""
    try:
        for event in events:
            if progress is not None:
                progress(event)
    except KeyboardInterrupt:
        return True
    return False
