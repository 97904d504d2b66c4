"""Latencies of whole networks, from the store or measured."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_arch.errors import SetupError

if TYPE_CHECKING:
    from lambda_arch.store import Setup, Summary
    from lambda_arch.timing import Measurements

Measure = Callable[..., "Measurements"]
"""Measures several networks: it takes what :func:`lambda_arch.measure` takes and returns what that returns."""
SECONDS = 5.0  # of sampling, for each network


def machine_of(device: str, store: Path | str | None = None) -> str:
    """Return the fingerprint of this machine, on which networks are measured."""
    from lambda_arch.store import Store
    from lambda_arch.timing.machines import fingerprint_of

    with Store(store) as opened:
        return fingerprint_of(opened, device)


class WholeLatencies:
    """The latency of whole networks as a cost: the seconds of a network, measured if the store does not have it.

    ``measure``: by what, :func:`lambda_arch.measure` unless given.
    """

    def __init__(self, setup: "Setup", store: Path | str | None = None, measure: Measure | None = None) -> None:
        self._setup = setup
        self._store = store
        self._measure = measure
        self._known: dict[str, Summary] = {}
        self._doubts: dict[str, tuple[str, ...]] = {}
        self.setup = str(setup)
        self.batch_size = setup.batch_size

    def __call__(self, network: Any) -> float:
        """Return the seconds of a network. Raises :class:`SetupError` if it cannot be timed."""
        self.measure([network])
        return self._known[str(network)].median

    def measure(self, networks: Sequence[Any]) -> None:
        """Measure what is not known of ``networks``, together. Raises :class:`SetupError` if one cannot be timed."""
        from lambda_arch.timing import measure

        left = [network for network in networks if str(network) not in self._known]
        if not left:
            return
        found = (self._measure or measure)(left, **self._setup.arguments, seconds=SECONDS, store=self._store)
        if found.interrupted:
            raise KeyboardInterrupt
        for each in (timing.measurement for timing in found):
            if each.status == "ok" and each.summary is not None:
                self._known[each.architecture] = each.summary
                self._doubts[each.architecture] = tuple(each.warnings)
        for network in left:
            if str(network) not in self._known:
                raise SetupError(f"{network}: could not be timed on {self._setup}")

    def interval(self, network: Any) -> tuple[float, float] | None:
        """Return the quartiles of a network's seconds; None if they come from the file of an earlier search."""
        known = self._known.get(str(network))
        return None if known is None else (known.q1, known.q3)

    def doubts(self, network: Any) -> dict[str, tuple[str, ...]]:
        """Return the warnings about a network's measurement, by its name."""
        warnings = self._doubts.get(str(network), ())
        return {str(network): warnings} if warnings else {}
