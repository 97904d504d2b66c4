"""Cases measured and stored: what is known already is skipped, what comes is stored as it comes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from lambda_arch.store.case import Case
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import new_uid
from lambda_arch.store.machines import keep_machine
from lambda_arch.store.measurements import (
    Measurement,
    begin_measurement,
    find_finished,
    find_largest_batch_size,
    find_measurements,
    finish_measurement,
    keep_loaded,
)
from lambda_arch.store.rounds import keep_round
from lambda_arch.store.setup import Setup, device_name
from lambda_arch.store.status import Status
from lambda_arch.timing.protocol.messages import LoadRequest, Machine
from lambda_arch.timing.protocol.process import WorkerError, WorkerProcess
from lambda_arch.timing.rounds import Event, Finished, Job, Loaded, Loading, Sampled, groups, interleaved_rounds
from lambda_arch.timing.statistics import Limits


class Measuring:
    """A run over ``cases``: iterate :meth:`events` to do it; :attr:`uids` are the measurements to show, by case.

    ``baseline``: a case a setup that all others of that setup are compared with. What the store has of this device,
    driver and library versions is not measured again, unless ``fresh``.
    """

    def __init__(
        self,
        store: Store,
        cases: Sequence[Case],
        limits: Limits | None = None,
        *,
        baselines: Sequence[Case] = (),
        fresh: bool = False,
    ) -> None:
        self.store = store
        self.limits = limits or Limits()
        self.cases = list(dict.fromkeys([*baselines, *cases]))
        self.baselines = set(baselines)
        self.fingerprints = describe(store, [case.setup.device for case in self.cases])
        self.uids: dict[Case, str] = {}
        if not fresh:
            self._look_up()

    @property
    def todo(self) -> list[Case]:
        """The cases that are left to measure, baselines that others need included."""
        left = [case for case in self.cases if case not in self.uids]
        setups = {case.setup for case in left}
        return [case for case in self.cases if case in left or (case in self.baselines and case.setup in setups)]

    def events(self) -> Iterator[Event]:
        """Measure what is left, store it, and yield what happens."""
        by_job = {self._job(case): case for case in self.todo}
        alone: list[Job] = []
        for group in groups(list(by_job)):
            yield from self._group(group, by_job, alone)
        for job in alone:
            yield from self._group([job], by_job, [])

    def _group(self, group: list[Job], by_job: dict[Job, Case], alone: list[Job]) -> Iterator[Event]:
        session = new_uid()
        uids: dict[Job, str] = {}
        for event in interleaved_rounds(group, self.limits):
            job, case = event.job, by_job[event.job]
            if isinstance(event, Loading):
                fingerprint = self.fingerprints[case.setup.device]
                uids[job] = begin_measurement(self.store, case, fingerprint, session, self.limits.as_dict())
                self.uids[case] = uids[job]
            elif isinstance(event, Loaded):
                keep_loaded(self.store, uids[job], asdict(event.reply))
            elif isinstance(event, Sampled):
                reply = event.reply
                conditions = reply.conditions.as_dict()
                keep_round(self.store, uids[job], event.round, reply.seconds, conditions, reply.peak_memory)
            elif isinstance(event, Finished):
                status, reason = event.status, event.reason
                if status is Status.OUT_OF_MEMORY and event.co_resident:
                    status = Status.OUT_OF_MEMORY_CO_RESIDENT
                    reason = "out of memory while co-resident; measured alone next"
                    alone.append(job)
                finish_measurement(self.store, uids[job], status, reason)
            yield event

    def results(self) -> list[Measurement]:
        """Return the measurements of all cases so far, in the order that the cases were given."""
        found = {m.uid: m for m in find_measurements(self.store, list(self.uids.values()))}
        return [found[uid] for case in self.cases if (uid := self.uids.get(case)) in found]

    def _job(self, case: Case) -> Job:
        return Job(str(case.architecture), case.setup, baseline=case in self.baselines)

    def _look_up(self) -> None:
        for case in self.cases:
            fingerprint = self.fingerprints[case.setup.device]
            bases = set() if case in self.baselines else {b for b in self.baselines if b.setup == case.setup}
            uid = find_finished(self.store, case.key(fingerprint), {base.key(fingerprint) for base in bases})
            if uid:
                self.uids[case] = uid


def describe(store: Store, devices: Sequence[str]) -> dict[str, str]:
    """Return the fingerprint of each device, and store the machines. Raises SetupError for a device not here."""
    found = {}
    for device in dict.fromkeys(map(device_name, devices)):
        machine = _machine(device)
        found[device] = keep_machine(store, {**machine.as_dict(), "fingerprint": machine.fingerprint})
    return found


def _machine(device: str) -> Machine:
    try:
        with WorkerProcess() as worker:
            return worker.machine(device)
    except WorkerError as error:
        raise OSError(f"{device}: no process could look at it ({error})") from None


def largest_batch_size(store: Store, case: Case, limits: Limits, fingerprint: str, most: int = 1 << 16) -> int:
    """Return the largest batch with which ``case`` fits into memory, up to ``most``: known from the store, or found.

    Doubled until it does not fit, then halved in between, to 1 in 16. Raises OSError where not even one image fits.
    """
    known = find_largest_batch_size(store, case, fingerprint, limits.memory)
    if known:
        return known
    fits, fails = 0, most + 1
    batch = 1
    while fails - fits > max(1, fits // 16):
        if _fits(case, batch, limits):
            fits = batch
        else:
            fails = batch
        batch = min(2 * fits, most) if fails > most else (fits + fails) // 2
        if fits == most:
            break
    if not fits:
        raise OSError(f"{case.architecture}: not even a batch of 1 fits into memory on {case.setup.device}")
    return fits


def _fits(case: Case, batch: int, limits: Limits) -> bool:
    setup: Setup = replace(case.setup, batch_size=batch)
    with WorkerProcess(setup.threads) as worker:
        try:
            worker.load(LoadRequest(str(case.architecture), setup, 1.0, limits.memory), limits.hang)
            worker.sample(limits.turn, limits.hang)  # as it will be: allocators grow for a while
        except WorkerError as error:
            if error.status in (Status.OUT_OF_MEMORY, Status.CRASH):
                return False
            raise OSError(f"{case.architecture}, batch {batch}: {error}") from None
    return True
