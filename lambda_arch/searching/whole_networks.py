"""Latencies of whole networks: from the store, or measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch.store import Setup


def whole_latencies(networks: Sequence[Any], setup: "Setup", store: Path | str | None = None) -> dict[str, float]:
    """Return the seconds of architectures by name, measured where the store does not have them.

    Raises :class:`SetupError` for one that cannot be timed.
    """
    from lambda_arch.store import Case, Status, Store
    from lambda_arch.timing import Limits, Measuring

    with Store(store) as opened:
        measuring = Measuring(opened, [Case(network, setup) for network in networks], Limits(seconds=5.0, warmup=5.0))
        for _ in measuring.events():
            pass
        timed = [each for each in measuring.results() if each.status == Status.OK]
    medians = {each.architecture: each.summary.median for each in timed if each.summary is not None}
    for network in networks:
        if str(network) not in medians:
            raise SetupError(f"{network}: could not be timed on {setup}")
    return medians
