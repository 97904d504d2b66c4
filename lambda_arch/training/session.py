"""How a run is carried out: where, by which processes and for how long. It changes no result but for rounding."""

from dataclasses import dataclass

from lambda_arch.errors import SetupError

MAX_WORKERS = 64


@dataclass(frozen=True, slots=True)
class Session:
    """Where and how to train.

    ``evaluation``: of the lambda layers, ``auto`` for the fastest exact one in training. ``workers``: processes that
    load images. ``hours``: save and stop after so many, 0 for no limit. ``skip_damaged``: go on without images that
    cannot be read.

    Raises :class:`lambda_arch.SetupError` for what is out of range.
    """

    device: str = "cpu"
    evaluation: str = "auto"
    channels_last: bool = False
    compile: bool = False
    workers: int = 0
    hours: float = 0.0
    skip_damaged: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.workers <= MAX_WORKERS:
            raise SetupError(f"workers={self.workers}: expected a whole number from 0 to {MAX_WORKERS}")
        if not self.hours >= 0:
            raise SetupError(f"hours={self.hours:g}: expected a number from 0, such as 11.5")
