"""What the verbs tell while they run: a callback gets these events as they happen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lambda_arch.timing.rounds import Job, RoundEvent


@dataclass(frozen=True, slots=True)
class Planned:
    """What the store does not have: jobs to run, each for ``seconds`` of sampling at most."""

    jobs: tuple[Job, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class LargestBatchSize:
    """The largest batch of an architecture that fits was found."""

    architecture: str
    batch_size: int


Event = Planned | LargestBatchSize | RoundEvent
Progress = Callable[[Event], object] | None


def follow(events: Iterable[Event], progress: Progress) -> bool:
    """Run ``events`` to their end, and call ``progress`` with each; return whether Ctrl-C ended them before."""
    try:
        for event in events:
            if progress is not None:
                progress(event)
    except KeyboardInterrupt:
        return True
    return False
