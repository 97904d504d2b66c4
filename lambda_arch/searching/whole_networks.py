"""Latencies of whole networks, from the store or measured."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch.store import Setup

SECONDS = 5.0  # of sampling, for each network


def machine_of(device: str, store: Path | str | None = None) -> str:
    """Return the fingerprint of this machine, on which networks are measured."""
    from lambda_arch.store import Store
    from lambda_arch.timing.machines import fingerprint_of

    with Store(store) as opened:
        return fingerprint_of(opened, device)


def whole_latencies(networks: Sequence[Any], setup: "Setup", store: Path | str | None = None) -> dict[str, float]:
    """Return the seconds of architectures by name, measured if the store does not have them.

    Raises :class:`SetupError` for an architecture that cannot be timed.
    """
    from lambda_arch.timing import measure

    found = measure(networks, **asdict(setup), seconds=SECONDS, store=store)
    if found.interrupted:
        raise KeyboardInterrupt
    timed = [each.measurement for each in found if each.measurement.status == "ok"]
    medians = {each.architecture: each.summary.median for each in timed if each.summary is not None}
    for network in networks:
        if str(network) not in medians:
            raise SetupError(f"{network}: could not be timed on {setup}")
    return medians
