"""Latency as a cost of parts: a calibration of a device, read from the store."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_arch.arch import Part
from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch.store import Setup

Seconds = Callable[[Part], float]
"""The seconds of a part for one batch; KeyError, naming it, for one that was not measured."""


@dataclass(frozen=True)
class Latency:
    """A calibration: ``seconds`` for a batch of ``batch_size`` images, and ``setup``: in a few words, on what."""

    seconds: Seconds
    batch_size: int = 1
    setup: str = ""


def calibrated_latency(setup: "Setup", store: Path | str | None = None) -> Latency:
    """Return what was calibrated for ``setup`` in a store; raises :class:`SetupError` where nothing was."""
    from lambda_arch.store import Store
    from lambda_arch.timing import block_latencies

    with Store(store, create=False, read_only=True) as opened:
        found = block_latencies(opened, setup)
    if not found.by_key:
        raise SetupError(
            f"latency: nothing was calibrated for {setup}; expected `lambda-arch calibrate` of the space first"
        )
    return Latency(found.seconds, setup.batch_size, str(setup))
