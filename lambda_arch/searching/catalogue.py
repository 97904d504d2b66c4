"""The catalogue: one row per architecture with everything that is known of it, every default named.

Costs are exact. Accuracies are published, trained here, or predicted, in columns of their own. Each device and setup
has columns for its latency and its quartiles, and each data set and recipe one for the accuracies trained with them.
What this project measured comes with the package; the column ``shipped`` names the columns whose value is its.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from statistics import mean
from typing import Any, NamedTuple

from lambda_arch.arch import OPTIONS, Architecture, ArchitectureError, ResNet, parse
from lambda_arch.arch.patterns import compress
from lambda_arch.arch.zoo import all_named
from lambda_arch.comparing import compare
from lambda_arch.comparing.comparison import row_architecture
from lambda_arch.costs import count
from lambda_arch.costs.footprint import memory
from lambda_arch.costs.peak import peak_memory
from lambda_arch.errors import LambdaArchError
from lambda_arch.results import Results
from lambda_arch.searching.accuracy import published_model
from lambda_arch.searching.training_runs import FINISHED, is_modelled
from lambda_arch.store import Store, find_measurements
from lambda_arch.store.measurements import Measurement
from lambda_arch.store.runs import read_runs
from lambda_arch.store.shipped import ShippedLatency, shipped_latencies, shipped_runs

Row = dict[str, Any]
UNPRINTED = ("", "OOM")  # of an accuracy
CLASSES = 1000  # those of the runs that predictions learn from
LATENCY, TRAINED = "latency_ms", "top1_trained"


class _Run(NamedTuple):
    """What the catalogue needs of a finished run."""

    architecture: str
    data: str
    recipe: str
    settings: str
    top1: float


@dataclass(frozen=True)
class Catalogue(Results[Row]):
    """The rows of the catalogue; the keys of each are the columns, those without a value are left out."""

    def columns(self) -> list[str]:
        """Return the names of all columns: those of every row first, in the order of the rows."""
        return list(dict.fromkeys(name for row in self.items for name in row))


def catalogue(store: Store | None = None, architectures: Iterable[str] = (), *, shipped: bool = True) -> Catalogue:
    """Return a row for every named, published and measured architecture, and ``architectures``.

    Measured are those in ``store``, and with ``shipped`` those whose figures come with the package; where both have a
    figure, it is that of ``store``. Raises :class:`ArchitectureError` for a name in ``architectures`` that is none.
    """
    own = {} if store is None else _measured(find_measurements(store), _finished_runs(store))
    package = _measured(shipped_latencies(), _shipped_runs()) if shipped else {}
    published = _published()
    names = [entry.canonical for entry in all_named()]
    measured = [str(parse(name)) for name in (*package, *own) if _is_architecture(name)]
    known = [*names, *published, *measured, *(str(parse(name)) for name in architectures)]
    return Catalogue(
        tuple(
            {
                **_costs(parse(name)),
                **published.get(name, {}),
                **_together(own.get(name, {}), package.get(name, {})),
            }
            for name in dict.fromkeys(known)
        )
    )


def _together(own: Row, package: Row) -> Row:
    """Return all figures, ``own`` first, and in ``shipped`` the names of the columns that are the package's."""
    theirs = [name for name in package if name not in own and name.startswith((LATENCY, TRAINED))]
    return {**package, **own, **({"shipped": "; ".join(theirs)} if theirs else {})}


def _is_architecture(name: str) -> bool:
    try:
        parse(name)
    except ArchitectureError:  # a module of any kind, or a name of a newer version
        return False
    return True


@cache
def _costs(architecture: Architecture) -> Row:
    ledger = count(architecture)
    row: Row = {
        "architecture": str(architecture),
        "image_size": architecture.image_size,
        **_settings(architecture),
        "params": ledger.params,
        "macs": ledger.macs,
        "flops": ledger.flops,
        "training_flops": count(architecture, mode="train").flops,
        "activations": ledger.activations,
    }
    try:
        row["peak_memory_bytes"] = peak_memory(architecture)
        row["training_memory_bytes"] = memory(architecture, mode="train").peak
    except LambdaArchError:  # no closed form for its family
        pass
    if is_modelled(architecture) and architecture.classes == CLASSES:
        prediction = published_model().predict(architecture)
        row |= {"top1_predicted": round(prediction.top1, 3), "top1_predicted_interval": round(prediction.interval, 3)}
    return row


def _settings(architecture: Architecture) -> Row:
    """Return the value of every option that it has, defaults too; several values of its blocks are joined by ``|``."""
    own = list(_nested(architecture))
    blocks = [value for part in architecture.parts() for value in _nested(part.settings)]
    row: Row = {}
    for option in OPTIONS:
        places = own if option.level == "network" else blocks
        values = [getattr(place, option.field) for place in places if option.field in place.__match_args__]
        if option.name == "stages":
            values = [_pattern(architecture)] if isinstance(architecture, ResNet) else []
        if values:
            row[option.name] = "|".join(dict.fromkeys(map(option.write, values)))
    return row


def _pattern(architecture: ResNet) -> str:
    return compress(["".join(block.layer.letter for block in stage) for stage in architecture.stages])


def _nested(value: Any) -> Iterator[Any]:
    """Yield a dataclass, and all those in its fields."""
    if is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _nested(getattr(value, field.name))


def _published() -> dict[str, Row]:
    """Return the printed top-1 accuracies of architectures with their tables; of several the highest."""
    found: dict[str, Row] = {}
    for comparison in compare():
        columns = [column for column in comparison.table.columns if column.quantity == "top-1"]
        for row in comparison.rows:
            architecture = row_architecture(row.published)
            if architecture is None:
                continue
            own = found.setdefault(str(architecture), {})
            for column in columns:
                printed = row.published.cells.get(column.name, "")
                if printed not in UNPRINTED and float(printed) > own.get("top1_published", 0.0):
                    own |= {"top1_published": float(printed), "top1_published_in": comparison.table.name}
    return found


def _measured(latencies: Iterable[Measurement | ShippedLatency], runs: Iterable[_Run]) -> dict[str, Row]:
    """Return latencies and trained accuracies by architecture."""
    found: dict[str, Row] = {}
    for m in latencies:  # of several in the same setup the last
        if m.summary is not None:
            where = f"[{m.machine.get('device_name')} {m.fingerprint[:8]}, {m.setup}]"
            times = (m.summary.median, m.summary.q1, m.summary.q3)
            columns = (LATENCY, "latency_q1_ms", "latency_q3_ms")
            row = {f"{column}{where}": 1e3 * time for column, time in zip(columns, times, strict=True)}
            found.setdefault(m.architecture, {}).update(row)
    groups: dict[tuple[str, str], tuple[str, list[float]]] = {}
    for run in runs:  # all seeds with the settings of the last run on the same data, by a recipe of the same name
        key = (run.architecture, f"[{run.data}, recipe {run.recipe}]")
        settings, accuracies = groups.get(key, ("", []))
        groups[key] = (run.settings, [*(accuracies if settings == run.settings else []), run.top1])
    for (name, what), (_, accuracies) in groups.items():
        row = {f"{TRAINED}{what}": round(mean(accuracies), 3), f"runs_trained{what}": len(accuracies)}
        found.setdefault(name, {}).update(row)
    return found


def _shipped_runs() -> list[_Run]:
    return [_Run(run.architecture, run.data, run.recipe, run.settings, run.top1) for run in shipped_runs()]


def _finished_runs(store: Store) -> list[_Run]:
    return [
        _Run(run.architecture, run.data, run.recipe, json.dumps(run.settings), float(run.epochs[-1]["top1"]))
        for run in read_runs(store)
        if run.status == FINISHED and run.epochs
    ]
