"""The table of measurements: one row per case, machine and session."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from typing import Any

from lambda_arch.arch import Architecture, parse
from lambda_arch.costs import count
from lambda_arch.store.case import Case
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import new_uid, now
from lambda_arch.store.machines import read_machine
from lambda_arch.store.rounds import read_rounds
from lambda_arch.store.setup import Setup
from lambda_arch.store.statistics import Summary, round_ratios, summarize
from lambda_arch.store.status import Status
from lambda_arch.store.warnings import quality_warnings

FINISHED = json.dumps([status for status in Status if status.finished])
IS_FINISHED = "status IN (SELECT value FROM json_each(?))"
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""Errors raised for an invalid row: an unknown architecture, setup or status, or text in place of numbers."""


@dataclass(frozen=True)
class Measurement:
    """A stored measurement: its case, machine, time, and the raw samples (seconds per step) of every round.

    - ``uid``: its own; ``key``: the same for equal cases on equal machines; ``session``: the same for cases measured in
      interleaved rounds
    - ``architecture``, ``image_size`` (pixels a side; None where a module has none) and ``setup``: what was measured;
      ``auto``: whether the batch size is the largest that fitted; ``source``: a digest of the source of a module that
      is not ours, else empty
    - ``fingerprint``: of ``machine``, the device and the versions; ``node``: of a cluster, else empty
    - ``started``: in UTC; ``status`` and ``reason``: how it ended; ``limits``: of time, spread and memory
    - ``loaded``: the worker's report of the warm-up; ``rounds``: samples by round; ``readings``: of the device, by
      round
    - ``peak_memory``: bytes
    """

    uid: str
    key: str
    session: str
    architecture: str
    setup: Setup
    auto: bool
    fingerprint: str
    machine: dict[str, Any]
    started: str
    status: Status
    reason: str
    limits: dict[str, Any]
    loaded: dict[str, Any]
    peak_memory: int | None
    image_size: int | None = None
    source: str = ""
    rounds: dict[int, list[float]] = field(default_factory=dict)
    readings: tuple[dict[str, Any], ...] = ()
    node: str = ""

    @cached_property
    def samples(self) -> list[float]:
        """All samples, in order."""
        return [seconds for number in sorted(self.rounds) for seconds in self.rounds[number]]

    @cached_property
    def summary(self) -> Summary | None:
        """Median and quartiles, in seconds; None without samples."""
        return summarize(self.samples) if self.samples else None

    @property
    def throughput(self) -> float | None:
        """Images per second."""
        return self.setup.batch_size / self.summary.median if self.summary else None

    @property
    def flop_rate(self) -> float | None:
        """FLOP/s in the canonical evaluation, see :func:`step_flops`; of other modules as the worker counted them."""
        if self.summary is None:
            return None
        if self.source:
            flops = self.loaded.get("flops")
            return flops / self.summary.median if flops else None
        return step_flops(parse(self.architecture), self.setup) / self.summary.median

    @property
    def flop_count(self) -> str:
        """How the FLOPs of a step were counted: ``exact``; or by ``torch``'s counter, for modules that are not ours."""
        return "torch" if self.source else "exact"

    @property
    def energy(self) -> float | None:
        """Joules per image, None if the device does not report energy."""
        values = [reading["joules_per_image"] for reading in self.readings if "joules_per_image" in reading]
        return sum(values) / len(values) if values else None

    @cached_property
    def warnings(self) -> list[str]:
        """The reasons to distrust this measurement."""
        found = [self.reason] if self.reason else []
        if self.status is Status.RUNNING:
            found.append("not finished")
        return [*found, *quality_warnings(self.summary, self.limits.get("spread"), self.loaded, self.readings)]

    def ratio_to(self, baseline: "Measurement") -> Summary | None:
        """Return the latency over the baseline's, round by round; None unless their rounds were interleaved."""
        if self.session != baseline.session:
            return None
        ratios = round_ratios(self.rounds, baseline.rounds)
        return summarize(ratios) if ratios else None


def step_flops(architecture: Architecture, setup: Setup) -> int:
    """Return the FLOPs of one step of the whole batch: 2 x MACs of the forward pass, in training of the backward too.

    They are those of the canonical evaluation, whatever the evaluation; the optimizer's are left out.
    """
    return 2 * count(architecture, mode=setup.mode).macs * setup.batch_size


def begin_measurement(store: Store, case: Case, fingerprint: str, session: str, limits: Mapping[str, Any]) -> str:
    """Store a measurement as begun, and return its uid."""
    uid = new_uid()
    store.insert(
        "measurement",
        {
            "uid": uid,
            "key": case.key(fingerprint),
            "session": session,
            "architecture": str(case.architecture),
            "image_size": case.architecture.image_size,
            "source": case.source,
            **case.setup.columns,
            "auto": case.auto,
            "fingerprint": fingerprint,
            "started": now(),
            "status": Status.RUNNING,
            "limits": dict(limits),
            "node": store.node,
        },
    )
    return uid


def keep_loaded(store: Store, uid: str, loaded: Mapping[str, Any]) -> None:
    """Store the worker's report of the warm-up."""
    store.update("measurement", uid, {"loaded": dict(loaded)})


def finish_measurement(store: Store, uid: str, status: Status, reason: str = "") -> None:
    """Store how a measurement ended, and its summary."""
    samples = [seconds for _, samples, _ in read_rounds(store, [uid]).get(uid, ()) for seconds in samples]
    values: dict[str, Any] = {"status": status, "reason": reason, "samples": len(samples)}
    if samples:
        summary = summarize(samples)
        values |= {"median": summary.median, "q1": summary.q1, "q3": summary.q3}
    store.update("measurement", uid, values)


def find_measurements(store: Store, uids: Sequence[str] | None = None) -> list[Measurement]:
    """Return the measurements of ``store``, or those of ``uids``, oldest first.

    Damaged ones are left out; see :func:`lambda_arch.store.find_damaged`. Raises :class:`StoreError` for a store that
    cannot be read.
    """
    which = "" if uids is None else "WHERE uid IN (SELECT value FROM json_each(?))"
    rows = store.sound_rows(
        f"SELECT * FROM measurement {which} ORDER BY started, rowid", [] if uids is None else [json.dumps(list(uids))]
    )
    machines = {name: read_machine(store, name) for name in {row["fingerprint"] for row in rows}}
    rounds = read_rounds(store, uids)
    found = []
    for row in rows:
        with suppress(*UNREADABLE):
            found.append(read_measurement(row, machines[row["fingerprint"]], rounds.get(row["uid"], ())))
    return found


def read_measurement(
    row: Mapping[str, Any], machine: dict[str, Any], rounds: Sequence[tuple[int, list[float], dict[str, Any]]]
) -> Measurement:
    """Return the measurement of a row; raises one of ``UNREADABLE`` for an invalid row."""
    if not row["source"]:
        parse(row["architecture"])
    return Measurement(
        uid=row["uid"],
        key=row["key"],
        session=row["session"],
        architecture=row["architecture"],
        setup=Setup.from_columns(row),
        auto=bool(row["auto"]),
        fingerprint=row["fingerprint"],
        machine=machine,
        started=row["started"],
        status=Status(row["status"]),
        reason=row["reason"],
        limits=json.loads(row["limits"]),
        loaded=json.loads(row["loaded"]),
        peak_memory=row["peak_memory"],
        image_size=row["image_size"] or None,
        source=row["source"],
        rounds={number: samples for number, samples, _ in rounds},
        readings=tuple(readings for _, _, readings in rounds),
        node=row["node"],
    )


def find_finished(
    store: Store,
    key: str,
    together_with: Collection[str] = (),
    limits: Mapping[str, Any] | None = None,
    enough: Callable[[Measurement], bool] | None = None,
) -> str | None:
    """Return the uid of the newest measurement of a case, by its key, that need not be made again; or None.

    One that went well counts only if the cases of the keys ``together_with`` ended in the same session, and if it is
    ``enough``. One that ran
    out of memory or of time counts only under ``limits`` at least as tight as its own; one that crashed never does.
    """
    rows = store.sound_rows(
        f'SELECT * FROM measurement WHERE "key" = ? AND {IS_FINISHED} ORDER BY started DESC', [key, FINISHED]
    )
    for row in rows:
        if row["status"] == Status.OK:
            others = store.rows(
                f'SELECT "key" FROM measurement WHERE session = ? AND {IS_FINISHED}', [row["session"], FINISHED]
            )
            together = set(together_with) <= {other["key"] for other in others}
            if together and (enough is None or all(map(enough, find_measurements(store, [row["uid"]])))):
                return str(row["uid"])
        elif row["status"] != Status.CRASH and _would_fail_again(row, limits or {}):
            return str(row["uid"])
    return None


def _would_fail_again(row: Mapping[str, Any], limits: Mapping[str, Any]) -> bool:
    """Return whether a measurement that failed under its own limits would also fail under ``limits``."""
    had = json.loads(row["limits"])
    if row["status"] == Status.OUT_OF_MEMORY:  # 0: all that is free
        return (limits.get("memory") or inf) <= (had.get("memory") or inf)
    if row["status"] == Status.TIMEOUT:
        return bool(limits.get("timeout", inf) <= had.get("timeout", had.get("hang", 0)))  # as older versions called it
    return not row["source"]  # what users' code lacked may be there now


def find_in_session(store: Store, session: str, architecture: str) -> Measurement | None:
    """Return the measurement of ``architecture`` in a session, or None if there is none with samples."""
    rows = store.rows(
        "SELECT uid FROM measurement WHERE session = ? AND architecture = ? AND samples > 0", [session, architecture]
    )
    found = find_measurements(store, [row["uid"] for row in rows])
    return found[0] if found else None


def in_their_sessions(store: Store, uids: Sequence[str]) -> list[str]:
    """Return the uids of all measurements in the sessions of those of ``uids``."""
    rows = store.rows(
        "SELECT uid FROM measurement WHERE session IN "
        "(SELECT session FROM measurement WHERE uid IN (SELECT value FROM json_each(?)))",
        [json.dumps(list(uids))],
    )
    return [row["uid"] for row in rows]


def find_largest_batch_size(store: Store, case: Case, fingerprint: str, memory: int) -> int:
    """Return the largest batch size that was found to fit ``case`` in a limit of ``memory`` bytes, or 0."""
    rows = store.sound_rows(
        "SELECT * FROM measurement WHERE auto AND status = ? AND architecture = ? AND source = ? AND fingerprint = ? "
        "ORDER BY started",
        [Status.OK, str(case.architecture), case.source, fingerprint],
    )
    rows = [row for row in rows if json.loads(row["limits"]).get("memory", 0) == memory]
    for setup in map(Setup.from_columns, rows):
        if replace(case.setup, batch_size=setup.batch_size) == setup:
            return setup.batch_size
    return 0
