"""Architectures side by side: parameters, MACs, memory and stored latencies of networks, and by stage and by module."""

from collections.abc import Callable
from dataclasses import dataclass

from lambda_arch.arch import Architecture, ArchitectureError
from lambda_arch.comparing.comparison import ledger
from lambda_arch.costs import Ledger
from lambda_arch.costs.peak import peak_memory
from lambda_arch.results import Result
from lambda_arch.store import Measurement, find_measurements
from lambda_arch.store.status import Status
from lambda_arch.timing.arguments import Architectures, StoreLike, opened, read_architectures


@dataclass(frozen=True)
class Cost:
    """One cost of every architecture, in their order; None where an architecture has none.

    ``level``: network, stage or module; ``place``: the stage, or the module's path (total for the network). ``unit``:
    empty for parameters and MACs, which are exact counts. ``note``: what a latency was measured on, how and when.
    """

    level: str
    place: str
    quantity: str
    unit: str
    values: tuple[float | int | None, ...]
    note: str = ""
    quartiles: tuple[tuple[float, float] | None, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the architectures differ in it: latencies, if the quartiles of some two do not overlap."""
        known = [each for each in self.quartiles if each is not None]
        if self.quartiles:
            return bool(known) and max(low for low, _ in known) > min(high for _, high in known)
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class SideBySide(Result):
    """Two architectures or more, and their costs: of the networks, then by stage, then by module."""

    architectures: tuple[str, ...]
    costs: tuple[Cost, ...]

    def of(self, level: str) -> list[Cost]:
        """Return the costs of the ``network``, by ``stage`` or by ``module``."""
        return [cost for cost in self.costs if cost.level == level]


def side_by_side(architectures: Architectures, *, store: StoreLike = None) -> SideBySide:
    """Return the costs of two ``architectures`` or more, given by name or as values, side by side.

    Memory is the peak of inference on one image in fp32, in bytes, known for ResNets of convolutions and lambda layers.
    Latencies (seconds per step) are the newest of ``store``, one row per setup in which any of them was measured there.

    Raises :class:`ArchitectureError` for fewer than two different architectures, and :class:`StoreError` for a file
    that is no store.
    """
    chosen = read_architectures(architectures)
    if len(chosen) < 2:
        raise ArchitectureError(f"{', '.join(map(str, chosen)) or 'nothing'}: expected two different architectures")
    ledgers = [ledger(each) for each in chosen]
    costs = [
        Cost("network", "total", "params", "", tuple(each.params for each in ledgers)),
        Cost("network", "total", "macs", "", tuple(each.macs for each in ledgers)),
        Cost("network", "total", "peak_memory", "bytes", tuple(map(_memory, chosen))),
        *_latencies(chosen, store),
        *_places("stage", [each.by_part() for each in ledgers]),
        *_places("module", [_by_module(each) for each in ledgers]),
    ]
    return SideBySide(tuple(map(str, chosen)), tuple(costs))


def _memory(architecture: Architecture) -> int | None:
    try:
        return peak_memory(architecture)
    except ArchitectureError:  # of these parts it is not known
        return None


def _latencies(architectures: list[Architecture], store: StoreLike) -> list[Cost]:
    names = [str(each) for each in architectures]
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    with opened(store, create=False, read_only=True) as kept:
        for each in find_measurements(kept):  # oldest first: the newest stays
            if each.architecture in names and each.status is Status.OK and each.summary is not None:
                found.setdefault((each.fingerprint, str(each.setup)), {})[each.architecture] = each
    return [_latency(setup, [by_name.get(name) for name in names]) for (_, setup), by_name in found.items()]


def _latency(setup: str, measured: list[Measurement | None]) -> Cost:
    summaries = [None if each is None else each.summary for each in measured]
    sessions = {each.session for each in measured if each is not None}
    days = ", ".join(each.started[:10] if each else "-" for each in measured)
    together = "" if len(sessions) < 2 else f"; not in interleaved rounds, but in {len(sessions)} sessions ({days})"
    values = tuple(None if each is None else each.median for each in summaries)
    quartiles = tuple(None if each is None else (each.q1, each.q3) for each in summaries)
    return Cost("network", "total", "latency", "s", values, f"{setup}{together}", quartiles)


def _by_module(of: Ledger) -> dict[str, Ledger]:
    return {row.path: Ledger(of.architecture, of.image_size, (row,)) for row in of.rows}


def _places(level: str, found: list[dict[str, Ledger]]) -> list[Cost]:
    """Return parameters and MACs at every place of any of the architectures, each place where it stands first."""
    places: list[str] = []
    for each in found:
        position = 0
        for place in each:
            if place in places:
                position = places.index(place) + 1
            else:
                places.insert(position, place)
                position += 1
    quantities: dict[str, Callable[[Ledger], int]] = {"params": lambda of: of.params, "macs": lambda of: of.macs}
    return [
        Cost(level, place, name, "", tuple(count(each[place]) if place in each else None for each in found))
        for place in places
        for name, count in quantities.items()
    ]
