"""Cells measured and stored: what is known already is skipped, what comes is stored as it comes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lambda_arch.timing.cell import Cell, Setup, device_name
from lambda_arch.timing.channel import Worker, WorkerError
from lambda_arch.timing.records import (
    BESIDE,
    UNFINISHED,
    Measurement,
    begin,
    finish,
    keep_machine,
    keep_round,
    measurements,
    new_uid,
)
from lambda_arch.timing.statistics import Limits
from lambda_arch.timing.store import Store
from lambda_arch.timing.turns import OUT_OF_MEMORY, Done, Event, Job, Loaded, Loading, Turn, groups, take_turns


class Measuring:
    """A run over ``cells``: iterate :meth:`events` to do it; :attr:`uids` are the measurements to show, by cell.

    ``baseline``: a cell a setup that all others of that setup are compared with. What the store has of this device,
    driver and library versions is not measured again, unless ``fresh``.
    """

    def __init__(
        self,
        store: Store,
        cells: Sequence[Cell],
        limits: Limits | None = None,
        *,
        baselines: Sequence[Cell] = (),
        fresh: bool = False,
    ) -> None:
        self.store = store
        self.limits = limits or Limits()
        self.cells = list(dict.fromkeys([*baselines, *cells]))
        self.baselines = set(baselines)
        self.fingerprints = describe(store, [cell.setup.device for cell in self.cells])
        self.uids: dict[Cell, str] = {}
        if not fresh:
            self._look_up()

    @property
    def todo(self) -> list[Cell]:
        """The cells that are left to measure, baselines that others need included."""
        left = [cell for cell in self.cells if cell not in self.uids]
        setups = {cell.setup for cell in left}
        return [cell for cell in self.cells if cell in left or (cell in self.baselines and cell.setup in setups)]

    def events(self) -> Iterator[Event]:
        """Measure what is left, store it, and yield what happens."""
        by_job = {self._job(cell): cell for cell in self.todo}
        alone: list[Job] = []
        for group in groups(list(by_job)):
            yield from self._group(group, by_job, alone)
        for job in alone:
            yield from self._group([job], by_job, [])

    def _group(self, group: list[Job], by_job: dict[Job, Cell], alone: list[Job]) -> Iterator[Event]:
        turns = new_uid()
        uids: dict[Job, str] = {}
        for event in take_turns(group, self.limits):
            job, cell = event.job, by_job[event.job]
            if isinstance(event, Loading):
                uids[job] = begin(self.store, cell, self.fingerprints[cell.setup.device], turns, self.limits)
                self.uids[cell] = uids[job]
            elif isinstance(event, Loaded):
                self.store.update("measurement", uids[job], {"loaded": event.answer})
            elif isinstance(event, Turn):
                keep_round(self.store, uids[job], event.round, event.answer)
            elif isinstance(event, Done):
                if event.status == OUT_OF_MEMORY and event.beside:
                    finish(self.store, uids[job], BESIDE, "ran out of memory beside others; measured alone next")
                    alone.append(job)
                else:
                    finish(self.store, uids[job], event.status, event.reason)
            yield event

    def results(self) -> list[Measurement]:
        """Return the measurements of all cells so far, in the order that the cells were given."""
        found = {m.uid: m for m in measurements(self.store, list(self.uids.values()))}
        return [found[uid] for cell in self.cells if (uid := self.uids.get(cell)) in found]

    def by_turns_with(self, measurement: Measurement, architecture: str) -> Measurement | None:
        """Return the measurement of ``architecture`` that was made by turns with this one, if there is one."""
        rows = self.store.rows(
            "SELECT uid FROM measurement WHERE turns = ? AND architecture = ? AND samples > 0",
            [measurement.turns, architecture],
        )
        return measurements(self.store, [rows[0]["uid"]])[0] if rows else None

    def _job(self, cell: Cell) -> Job:
        return Job(str(cell.architecture), cell.setup, steady=cell in self.baselines)

    def _look_up(self) -> None:
        for cell in self.cells:
            uid = self._known(cell)
            if uid:
                self.uids[cell] = uid

    def _known(self, cell: Cell) -> str:
        """Return the newest finished measurement of ``cell`` by turns with its baselines, or nothing."""
        fingerprint = self.fingerprints[cell.setup.device]
        needed = {base.key(fingerprint) for base in self.baselines if base.setup == cell.setup} - {
            cell.key(fingerprint)
        }
        rows = self.store.rows(
            "SELECT uid, turns, status FROM measurement WHERE cell = ? AND status NOT IN (?, ?) ORDER BY started DESC",
            [cell.key(fingerprint), *UNFINISHED],
        )
        for row in rows:
            beside = self.store.rows("SELECT cell, status FROM measurement WHERE turns = ?", [row["turns"]])
            there = {other["cell"] for other in beside if other["status"] not in UNFINISHED}
            if cell in self.baselines or row["status"] != "ok" or needed <= there:
                return str(row["uid"])
        return ""


def describe(store: Store, devices: Sequence[str]) -> dict[str, str]:
    """Return the fingerprint of each device, and store the machines. Raises SetupError for a device not here."""
    found = {}
    for device in dict.fromkeys(map(device_name, devices)):
        with Worker() as worker:
            found[device] = keep_machine(store, _asked(worker, device))
    return found


def _asked(worker: Worker, device: str) -> dict[str, object]:
    try:
        return worker.ask("describe", device=device)
    except WorkerError as error:
        raise OSError(f"{device}: no process could look at it ({error})") from None


def largest_batch(store: Store, cell: Cell, limits: Limits, fingerprint: str, most: int = 1 << 16) -> int:
    """Return the largest batch with which ``cell`` fits into memory, up to ``most``: known from the store, or found.

    Doubled until it does not fit, then halved in between, to 1 in 16. Raises OSError where not even one image fits.
    """
    known = known_batch(store, cell, limits, fingerprint)
    if known:
        return known
    fits, fails = 0, most + 1
    batch = 1
    while fails - fits > max(1, fits // 16):
        if _fits(cell, batch, limits):
            fits = batch
        else:
            fails = batch
        batch = min(2 * fits, most) if fails > most else (fits + fails) // 2
        if fits == most:
            break
    if not fits:
        raise OSError(f"{cell.architecture}: not even a batch of 1 fits into memory on {cell.setup.device}")
    return fits


def _fits(cell: Cell, batch: int, limits: Limits) -> bool:
    setup: Setup = replace(cell.setup, batch=batch)
    with Worker(setup.threads) as worker:
        try:
            worker.ask(
                "load",
                limits.hang,
                architecture=str(cell.architecture),
                setup=setup.as_dict(),
                warmup=1.0,
                memory=limits.memory,
            )
            worker.ask("turn", limits.hang, seconds=limits.turn)  # as it will be: allocators grow for a while
        except WorkerError as error:
            if error.status in (OUT_OF_MEMORY, "crash"):
                return False
            raise OSError(f"{cell.architecture}, batch {batch}: {error}") from None
    return True


def known_batch(store: Store, cell: Cell, limits: Limits, fingerprint: str) -> int:
    """Return the largest batch of ``cell`` that was found under the same memory limit and measured, or 0."""
    rows = store.rows(
        "SELECT batch, cell, limits FROM measurement "
        "WHERE auto = 1 AND status = 'ok' AND architecture = ? ORDER BY started",
        [str(cell.architecture)],
    )
    for row in rows:
        same = json.loads(row["limits"]).get("memory", 0) == limits.memory
        if same and replace(cell, setup=replace(cell.setup, batch=row["batch"])).key(fingerprint) == row["cell"]:
            return int(row["batch"])
    return 0
