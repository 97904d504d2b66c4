"""The limits of a measurement: when enough was sampled, and timeouts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

from lambda_arch.errors import SetupError
from lambda_arch.store.statistics import FEWEST_SAMPLES, summarize

FEWEST_ROUNDS = 3  # even where time is up: ratios are taken round by round
ROUND, ROUND_SHARE = 0.5, 1 / 5  # seconds of a network in a round, at most; and of its whole time
WARMUP = 10.0  # seconds at most
GB = 1e9


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a measurement; times are in seconds.

    - ``spread``: stop when the interquartile range is within this fraction of the median, after at least
      ``min_rounds`` rounds
    - ``seconds``: maximum sampling time of a network; ``round_seconds``: in one round (but at least one sample)
    - ``warmup``: maximum time of the warm-up; ``timeout``: of building a network, and of the samples of a round
    - ``memory``: bytes that a worker may use on a CPU, 0 for what is free when it starts
    """

    spread: float = 0.05
    seconds: float = 10.0
    min_rounds: int = 5
    round_seconds: float = ROUND
    warmup: float = WARMUP
    timeout: float = 600.0
    memory: int = 0

    @classmethod
    def of(cls, *, spread: float, seconds: float, timeout: float, memory_limit: float) -> "Limits":
        """Return the limits for ``seconds`` of sampling; ``memory_limit`` in GB. Raises :class:`SetupError`."""
        for name, value in {"seconds": seconds, "spread": spread, "timeout": timeout}.items():
            if not 0 < value < inf:
                raise SetupError(f"{name}={value:g}: expected a number over 0")
        if not 0 <= memory_limit < inf:
            raise SetupError(f"memory_limit={memory_limit:g}: expected a number of GB over 0, or 0 for what is free")
        return cls(
            spread,
            seconds,
            round_seconds=min(ROUND, seconds * ROUND_SHARE),
            warmup=min(WARMUP, seconds),
            timeout=timeout,
            memory=int(memory_limit * GB),
        )

    @classmethod
    def like(cls, limits: "Limits", seconds: float) -> "Limits":
        """Return ``limits`` for another time of sampling."""
        round_seconds, warmup = min(ROUND, seconds * ROUND_SHARE), min(WARMUP, seconds)
        return replace(limits, seconds=seconds, round_seconds=round_seconds, warmup=warmup)

    def as_dict(self) -> dict[str, Any]:
        """Return the limits by name."""
        return asdict(self)

    def enough(self, samples: Sequence[float], rounds: int, spent: float) -> bool:
        """Return whether ``samples`` of ``rounds`` rounds, which took ``spent`` seconds, are enough."""
        if spent >= self.seconds and rounds >= min(FEWEST_ROUNDS, self.min_rounds):
            return True
        return rounds >= self.min_rounds and len(samples) >= FEWEST_SAMPLES and summarize(samples).spread <= self.spread
