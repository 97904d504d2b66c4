"""Works as tasks of Ray: handed out, run again where they were lost, and merged as soon as they are done."""

import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambda_arch.arch import extension_modules
from lambda_arch.cluster.connection import connected
from lambda_arch.cluster.node import Answer
from lambda_arch.cluster.node import carry_out as carry_out_here
from lambda_arch.cluster.nodes import POLL, Alike, Nodes, reason_of
from lambda_arch.cluster.progress import Progress, Tasks
from lambda_arch.cluster.work import Work
from lambda_arch.errors import LambdaArchError, SetupError
from lambda_arch.store.claims import leave_claim, take_claim
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import machines_of, read_machine
from lambda_arch.store.merging import merge

RETRIES = 3
"""How often a task is run again after its process or its node was lost."""
WINDOW = 1000
"""Tasks that Ray has at a time."""
ROLL_CALL = 5.0  # seconds between two looks at which nodes are there
GRACE = 20.0  # seconds that tasks get to save what they have, after Ctrl-C; a second one ends them


@dataclass
class Carried:
    """What came of works: the ``uids`` of their rows by key, why others failed by name, and whether Ctrl-C came.

    ``fingerprints`` are those of the nodes' devices.
    """

    uids: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    fingerprints: set[str] = field(default_factory=set)

    def check(self) -> None:
        """Raise :class:`SetupError` for the first failure."""
        for name, reason in self.failures.items():
            more = f"; {len(self.failures) - 1} more failed" if len(self.failures) > 1 else ""
            raise SetupError(f"{name}: {reason}{more}; what was finished is kept")


def carry_out(
    works: Sequence[Work],
    store: Store,
    *,
    cluster: str,
    resource: str = "",
    alike: Alike = "",
    progress: Progress = None,
) -> Carried:
    """Do ``works`` on ``cluster`` (see ``connection``), each at most once, and merge their rows into ``store``.

    ``resource``: only on nodes that have this resource of Ray, such as ``accelerator_type:H100``, or this device by
    name. ``alike``: what all nodes have to have in common. What ``store`` or a node has from before is not done again.
    Works that fail are named in the result.

    Raises what :func:`connected` raises, and :class:`SetupError` or :class:`StoreError` if no node can do them.
    """
    with connected(cluster) as ray:
        return Scheduler(ray, list(works), store, resource, alike, progress).run()


class Scheduler:
    """One driver's works: ``waiting`` to be handed out, ``claimed`` by another driver, or ``running``."""

    def __init__(
        self, ray: Any, works: list[Work], store: Store, resource: str, alike: Alike, progress: Progress
    ) -> None:
        self._ray = ray
        self._works = works
        self._store = store
        self._resource = resource
        self._alike = alike
        self._progress = progress
        self._task = ray.remote(max_calls=1, max_retries=RETRIES)(carry_out_here)
        self._waiting = deque(works)
        self._claimed: deque[Work] = deque()
        self._ours: set[str] = set()
        self._running: dict[Any, Work] = {}
        self._next_roll_call = 0.0
        self._lost = False  # whether a task's answer never came
        self._result = Carried()

    def run(self) -> Carried:
        """Carry everything out."""
        if not self._works:
            return self._result
        try:
            self._gather()
            while self._waiting or self._claimed or self._running:
                self._hand_out()
                self._collect(POLL)
            if self._lost:
                with suppress(LambdaArchError):  # of nodes that are lost
                    self._gather()
        except KeyboardInterrupt:
            self._result.interrupted = True
            with suppress(KeyboardInterrupt):
                self._end()
        finally:
            for task in self._running:
                with suppress(Exception):
                    self._ray.cancel(task, force=True)
            for key in list(self._ours):
                self._leave(key)
        return self._result

    def _gather(self) -> None:
        """Look at all nodes, and merge what they have of what is not done.

        They have it from a driver that was killed, or it was lost on its way here.
        """
        works = [work for work in self._works if work.key not in self._result.uids]
        self._nodes = Nodes(self._ray, works[0].device, self._resource, self._alike)
        self._nodes.look(works, self._show)
        for reason in self._nodes.left_out.values():
            self._show(f"left out: {reason}")
        self._result.fingerprints |= self._nodes.fingerprints
        for seen in self._nodes.looks.values():
            for work in works:
                if work.key in seen.answers and work.key not in self._result.uids:
                    self._merge(work, seen.answers[work.key])
                    self._done(work, list(seen.answers[work.key].uids or ()))

    def _hand_out(self) -> None:
        """Give Ray what is not done and not claimed by another driver."""
        for work in [self._claimed.popleft() for _ in range(len(self._claimed))]:
            self._begin(work)
        while self._waiting and len(self._running) < WINDOW:
            self._begin(self._waiting.popleft())

    def _begin(self, work: Work) -> None:
        if work.key in self._result.uids:
            return
        if not take_claim(self._store.path, work.key):
            self._claimed.append(work)
            return
        self._ours.add(work.key)
        found = work.find(self._store, self._nodes.fingerprints)
        if found is not None:
            self._done(work, found)
        else:
            self._submit(work)

    def _submit(self, work: Work) -> None:
        self._running[self._task.options(**self._nodes.options(work)).remote(work, extension_modules())] = work

    def _collect(self, timeout: float) -> None:
        """Wait until a task is done, and merge all that are."""
        if time.monotonic() > self._next_roll_call:
            self._next_roll_call = time.monotonic() + ROLL_CALL
            for name in self._nodes.lost():
                self._show(f"{name} was lost; what ran there runs again on another node, or waits for one")
        if not self._running:
            time.sleep(timeout if self._claimed else 0)
            self._show()
            return
        done, left = self._ray.wait(list(self._running), timeout=timeout)
        done += self._ray.wait(left, num_returns=len(left), timeout=0)[0] if left else []
        for task in done:
            work = self._running.pop(task)
            try:
                answer: Answer = self._ray.get(task)
            except self._ray.exceptions.RayError as error:
                if not self._result.interrupted:
                    self._lost = True
                    self._fail(work, error)
                continue
            if answer.unusable:
                self._again(work, answer, reason_of(answer.error))
            elif answer.error is not None:
                self._fail(work, answer.error)
            else:
                self._keep(work, answer)
        self._show()

    def _again(self, work: Work, answer: Answer, reason: str) -> None:
        """Leave the node of an answer out, and hand the work to another."""
        if answer.place not in self._nodes.left_out:
            self._nodes.leave_out(answer.place, reason)
            self._show(f"left out: {self._nodes.left_out[answer.place]}")
        self._submit(work)

    def _keep(self, work: Work, answer: Answer) -> None:
        """Merge the rows of an answer, and hand the work to another node if they are of another device."""
        self._merge(work, answer)
        for machine in machines_of(self._store, answer.uids or ()):
            device = str(read_machine(self._store, machine)["device_name"])
            if not self._nodes.are_like(device, machine):
                self._again(work, answer, f"came later, and has another device: {device}")
                return
        self._done(work, list(answer.uids or ()))

    def _merge(self, work: Work, answer: Answer) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.db"
            rows.write_bytes(answer.rows)
            merge(self._store, rows)
        work.keep(answer.files)

    def _done(self, work: Work, uids: list[str]) -> None:
        self._result.uids[work.key] = uids
        self._result.failures.pop(work.name, None)
        self._leave(work.key)

    def _fail(self, work: Work, error: Exception) -> None:
        self._result.failures[work.name] = reason_of(error)
        self._leave(work.key)

    def _leave(self, key: str) -> None:
        if key in self._ours:
            self._ours.remove(key)
            leave_claim(self._store.path, key)

    def _end(self) -> None:
        """Let tasks save what they have, for a short time."""
        if self._running:
            self._show(f"interrupted: tasks save what they have, for {GRACE:.0f} s; Ctrl-C again ends them at once")
        for task in self._running:
            self._ray.cancel(task, force=False)
        deadline = time.monotonic() + GRACE
        self._waiting.clear()
        self._claimed.clear()
        while self._running and time.monotonic() < deadline:
            self._collect(POLL)

    def _show(self, note: str = "") -> None:
        if self._progress is not None:
            done = len(self._result.uids) + len(self._result.failures)
            self._progress(Tasks(len(self._nodes), len(self._works), done, len(self._running), note))
