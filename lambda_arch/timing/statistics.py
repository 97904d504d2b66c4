"""When enough is measured."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lambda_arch.store.statistics import summarize

FEWEST_SAMPLES = 10  # before their spread says anything


@dataclass(frozen=True, slots=True)
class Limits:
    """When a measurement is over, all in seconds but where said.

    ``spread``: enough when the interquartile range is within this fraction of the median, after at least
    ``min_rounds`` rounds. ``seconds``: of sampling, for one case. ``turn``: how long one case's turn in a round is (one
    sample at least). ``warmup``: at most. ``hang``: a command to the worker that takes longer has hung.
    ``memory``: bytes that a worker may take on a CPU, 0 for what is free when it starts.
    """

    spread: float = 0.05
    seconds: float = 10.0
    min_rounds: int = 5
    turn: float = 0.5
    warmup: float = 10.0
    hang: float = 600.0
    memory: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the limits by name."""
        return asdict(self)

    def enough(self, samples: Sequence[float], rounds: int, spent: float) -> bool:
        """Return whether ``samples`` of ``rounds`` rounds, which took ``spent`` seconds, are enough."""
        if spent >= self.seconds and rounds >= min(3, self.min_rounds):
            return True
        return rounds >= self.min_rounds and len(samples) >= FEWEST_SAMPLES and summarize(samples).spread <= self.spread
