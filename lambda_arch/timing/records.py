"""Measurements as the store keeps them."""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from lambda_arch.arch import Architecture, parse
from lambda_arch.timing.cell import SETTINGS, Cell, Setup, step_flops
from lambda_arch.timing.readings import warnings
from lambda_arch.timing.statistics import Limits, Summary, round_ratios, summarize
from lambda_arch.timing.store import Store

RUNNING = "running"
BESIDE = "beside"  # ran out of memory beside others; the same cell is measured alone afterwards
UNFINISHED = (RUNNING, BESIDE)


@dataclass(frozen=True)
class Measurement:
    """A stored measurement: its cell, where and when, and the raw samples (seconds a step) of every round.

    ``status``: ok; oom, failed, crash or timeout, with a ``reason``; or running (also what an interrupted run leaves).
    ``turns``: equal for cells that were measured by turns. ``peak_memory`` in bytes.
    """

    uid: str
    cell: str
    turns: str
    architecture: str
    setup: Setup
    auto: bool
    fingerprint: str
    machine: dict[str, Any]
    started: str
    status: str
    reason: str
    limits: dict[str, Any]
    loaded: dict[str, Any]
    peak_memory: int | None
    rounds: dict[int, list[float]]
    readings: tuple[dict[str, Any], ...]

    @cached_property
    def samples(self) -> list[float]:
        """All samples, in order."""
        return [seconds for number in sorted(self.rounds) for seconds in self.rounds[number]]

    @cached_property
    def summary(self) -> Summary | None:
        """Median and quartiles, in seconds; None where nothing was sampled."""
        return summarize(self.samples) if self.samples else None

    @property
    def value(self) -> Architecture:
        """The architecture itself."""
        return parse(self.architecture)

    @property
    def throughput(self) -> float | None:
        """Images a second."""
        return self.setup.batch / self.summary.median if self.summary else None

    @property
    def flop_rate(self) -> float | None:
        """FLOP/s, of 2 x MACs of the canonical evaluation, thrice that for training."""
        return step_flops(self.value, self.setup) / self.summary.median if self.summary else None

    @property
    def energy(self) -> float | None:
        """Joules an image, where the device tells."""
        values = [reading["joules_per_image"] for reading in self.readings if "joules_per_image" in reading]
        return sum(values) / len(values) if values else None

    @cached_property
    def warnings(self) -> list[str]:
        """What makes this figure less than certain, in words."""
        found = [self.reason] if self.reason else []
        if self.status == RUNNING:
            found.append("not finished")
        wanted = self.limits.get("spread", Limits().spread)
        if self.summary and self.summary.spread > wanted:
            found.append(f"noisy: IQR {self.summary.spread:.0%} of the median, {wanted:.0%} wanted")
        if self.loaded and not self.loaded.get("warm", True):
            found.append("still changing when the warm-up ended")
        return [*found, *warnings(self.readings)]

    def ratio_to(self, baseline: "Measurement") -> Summary | None:
        """Return our latency over the baseline's, round by round; None where they were not measured by turns."""
        if self.turns != baseline.turns:
            return None
        ratios = round_ratios(self.rounds, baseline.rounds)
        return summarize(ratios) if ratios else None


def keep_machine(store: Store, description: dict[str, Any]) -> str:
    """Store a machine as its worker described it, and return its fingerprint."""
    values = {k: v for k, v in description.items() if k != "fingerprint"}
    row = {
        "fingerprint": description["fingerprint"],
        "device_name": description["device_name"],
        "description": values,
    }
    store.insert("machine", row, known="IGNORE")
    return str(description["fingerprint"])


def begin(store: Store, cell: Cell, fingerprint: str, turns: str, limits: Limits) -> str:
    """Store that a cell's measurement has begun, and return its uid."""
    uid = new_uid()
    setup = {name: getattr(cell.setup, name) for name in SETTINGS}
    store.insert(
        "measurement",
        {
            "uid": uid,
            "cell": cell.key(fingerprint),
            "turns": turns,
            "architecture": str(cell.architecture),
            "image_size": cell.architecture.image_size,
            **setup,
            "auto": cell.auto,
            "fingerprint": fingerprint,
            "started": now(),
            "status": RUNNING,
            "limits": limits.as_dict(),
        },
    )
    return uid


def keep_round(store: Store, uid: str, number: int, answer: dict[str, Any]) -> None:
    """Store a round's samples as soon as they are there."""
    with store.transaction():
        row = {"measurement": uid, "number": number, "seconds": answer["samples"], "readings": answer["readings"]}
        store.insert("round", row)
        store.update("measurement", uid, {"peak_memory": answer["peak_memory"]})


def finish(store: Store, uid: str, status: str, reason: str) -> None:
    """Store how a measurement ended, and its summary."""
    rows = store.rows("SELECT seconds FROM round WHERE measurement = ?", [uid])
    samples = [seconds for row in rows for seconds in json.loads(row["seconds"])]
    values: dict[str, Any] = {"status": status, "reason": reason, "samples": len(samples)}
    if samples:
        summary = summarize(samples)
        values |= {"median": summary.median, "q1": summary.q1, "q3": summary.q3}
    store.update("measurement", uid, values)


def measurements(store: Store, uids: Sequence[str] | None = None) -> list[Measurement]:
    """Return the store's measurements, oldest first, or those of ``uids``."""
    where, values = "", list(uids or ())
    if uids is not None:
        where = f"WHERE uid IN ({', '.join('?' * len(values))})"
    rows = store.rows(
        f"SELECT measurement.*, machine.description FROM measurement JOIN machine USING (fingerprint) {where} "
        "ORDER BY started, measurement.rowid",
        values,
    )
    wanted = {row["uid"] for row in rows}
    rounds: dict[str, dict[int, list[float]]] = {}
    readings: dict[str, list[dict[str, Any]]] = {}
    for row in store.rows("SELECT * FROM round ORDER BY measurement, number"):
        if row["measurement"] in wanted:
            rounds.setdefault(row["measurement"], {})[row["number"]] = json.loads(row["seconds"])
            readings.setdefault(row["measurement"], []).append(json.loads(row["readings"]))
    return [_measurement(row, rounds.get(row["uid"], {}), readings.get(row["uid"], [])) for row in rows]


def _measurement(
    row: dict[str, Any], rounds: dict[int, list[float]], readings: Iterable[dict[str, Any]]
) -> Measurement:
    setup = {name: row[name] for name in SETTINGS}
    return Measurement(
        uid=row["uid"],
        cell=row["cell"],
        turns=row["turns"],
        architecture=row["architecture"],
        setup=Setup(**{**setup, "compile": bool(setup["compile"]), "graph": bool(setup["graph"])}),
        auto=bool(row["auto"]),
        fingerprint=row["fingerprint"],
        machine=json.loads(row["description"]),
        started=row["started"],
        status=row["status"],
        reason=row["reason"],
        limits=json.loads(row["limits"]),
        loaded=json.loads(row["loaded"]),
        peak_memory=row["peak_memory"],
        rounds=rounds,
        readings=tuple(readings),
    )


def new_uid() -> str:
    """Return an identifier that no other store gives."""
    return uuid.uuid4().hex


def now() -> str:
    """Return the time in UTC, to the millisecond, as ISO 8601 writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
