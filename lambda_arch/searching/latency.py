"""Latency as a cost of parts, from a calibration in the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_arch.arch import Architecture, Part
from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch.store import Setup

Seconds = Callable[[Part], float]
"""Returns the seconds of a part for one batch; raises KeyError, naming it, if it was not measured."""
Interval = Callable[[Architecture], tuple[float, float] | None]
"""Returns the lower and the upper seconds of a network for one batch; None if they are not known."""
Doubts = Callable[[Architecture], Mapping[str, tuple[str, ...]]]
"""Returns the warnings about the measurements that a network's latency rests on, by what was measured."""


@dataclass(frozen=True)
class Latency:
    """A calibration: ``seconds`` for a batch of ``batch_size`` images, measured in ``setup`` (a short text).

    ``digest`` is of the measured values. ``interval`` of a network's latency, ``doubts`` about its parts; None: not
    known.
    """

    seconds: Seconds
    batch_size: int = 1
    setup: str = ""
    digest: str = ""
    interval: Interval | None = None
    doubts: Doubts | None = None


def calibrated_latency(setup: "Setup", store: Path | str | None = None, space: str = "") -> Latency:
    """Return the calibration for ``setup`` in a store; raises :class:`SetupError` if there is none.

    ``space``: the name of the space that it is for, which the error's command names.
    """
    from lambda_arch.store import Store
    from lambda_arch.store.keys import digest
    from lambda_arch.timing import block_latencies

    with Store(store, create=False, read_only=True) as opened:
        found = block_latencies(opened, setup)
    if not found.by_key:
        given = {"space": space, "store": store, "device": setup.device, "batch_size": setup.batch_size}
        given |= {name: getattr(setup, name) for name in ("dtype", "mode", "threads", "clock")}
        words = " ".join(f"{name}={value}" for name, value in given.items() if value)
        raise SetupError(
            f"latency: nothing was calibrated for {setup}; expected `lambda-arch calibrate {words}` first, "
            "or measure=True"
        )
    doubts = found.doubts if any(found.warnings.values()) else None
    values = digest({key: summary.median for key, summary in found.by_key.items()})
    return Latency(found.seconds, setup.batch_size, str(setup), values, found.interval, doubts)


def check_default(settings: Mapping[str, Any]) -> None:
    """Raise :class:`SetupError` for one of ``settings`` that is not a setup's default, where there are no latencies."""
    from lambda_arch.store import Setup

    defaults = {each.name: each.default for each in fields(Setup)}
    for name, value in settings.items():
        if value != defaults[name]:
            raise SetupError(f"{name}={value}: only for latencies; expected minimize=latency, or a bound on it")
