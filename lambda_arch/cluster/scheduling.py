"""Works as tasks of Ray: handed out, run again where they were lost, and merged as soon as they are done."""

import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lambda_arch import __version__
from lambda_arch.arch import extension_modules
from lambda_arch.cluster.claims import Claims
from lambda_arch.cluster.connection import connected
from lambda_arch.cluster.node import Answer, Look
from lambda_arch.cluster.node import carry_out as carry_out_here
from lambda_arch.cluster.node import look as look_here
from lambda_arch.cluster.progress import Progress, Tasks
from lambda_arch.cluster.work import Work
from lambda_arch.errors import LambdaArchError, SetupError, one_line
from lambda_arch.store.connection import Store
from lambda_arch.store.merging import merge

RETRIES = 3
"""How often a task is run again after its process or its node was lost."""
WINDOW = 1000
"""Tasks that Ray has at a time."""
POLL = 0.5  # seconds between two looks at what other drivers have claimed
GRACE = 5.0  # seconds that tasks get to save what they have, after Ctrl-C
ONE_PER_NODE = "node:__internal_implicit_resource_lambda-arch-latency"
"""Of such a resource every node of Ray has one: latencies are measured one at a time on a CPU."""
LITTLE = 0.001  # of a resource of which only the presence matters


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
    alike: bool = False,
    progress: Progress = None,
) -> Carried:
    """Do ``works`` on ``cluster`` (see ``connection``), each at most once, and merge their rows into ``store``.

    ``resource``: only on nodes that have this resource of Ray, such as ``accelerator_type:H100``. What ``store`` or a
    node has from before is not done again. Works that fail are named in the result. ``alike``: all nodes have to have
    the same device.

    Raises what :func:`connected` raises, and :class:`SetupError` or :class:`StoreError` if no node can do them.
    """
    with connected(cluster) as ray:
        return Scheduler(ray, list(works), store, resource, alike, progress).run()


class Scheduler:
    """One driver's works: ``waiting`` to be handed out, ``claimed`` by another driver, or ``running``."""

    def __init__(
        self, ray: Any, works: list[Work], store: Store, resource: str, alike: bool, progress: Progress
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
        self._running: dict[Any, Work] = {}
        self._unusable: dict[str, str] = {}
        self._nodes: dict[str, str] = {}
        self._result = Carried()
        self._fingerprints = self._result.fingerprints

    def run(self) -> Carried:
        """Carry everything out."""
        if not self._works:
            return self._result
        self._claims = Claims(self._store.path)
        try:
            self._look()
            while self._waiting or self._claimed or self._running:
                self._hand_out()
                self._collect(POLL)
        except KeyboardInterrupt:
            self._result.interrupted = True
            with suppress(KeyboardInterrupt):
                self._end()
        finally:
            for task in self._running:
                with suppress(Exception):
                    self._ray.cancel(task, force=True)
            self._claims.close()
        return self._result

    def _look(self) -> None:
        """Look at all nodes that could do the works, and take what they have from before."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._nodes = self._suitable()
        look = self._ray.remote(max_calls=1, num_cpus=0)(look_here)
        works = self._ray.put(self._works)
        looks = {
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
                works, extension_modules()
            ): node
            for node in self._nodes
        }
        refusals: list[Exception] = []
        left = list(looks)
        while left:
            self._show()
            done, left = self._ray.wait(left, timeout=POLL)
            for task in done:
                node = looks[task]
                try:
                    self._seen(node, self._ray.get(task), refusals)
                except self._ray.exceptions.RayError as error:
                    self._leave_out(node, _reason(error))
        if not self._fingerprints:
            if refusals:
                raise refusals[0]
            raise SetupError(f"no node can be used: {next(iter(self._unusable.values()))}")
        if self._alike and len(self._fingerprints) > 1:
            raise SetupError(
                f"the nodes have {len(self._fingerprints)} kinds of devices; expected a resource of equal ones alone"
            )

    def _seen(self, node: str, seen: Look, refusals: list[Exception]) -> None:
        if seen.version != __version__:
            self._leave_out(node, f"has lambda-arch {seen.version}, not {__version__}")
        elif seen.error is not None:
            self._leave_out(node, _reason(seen.error))
            refusals.append(seen.error)
        else:
            self._fingerprints.add(seen.fingerprint)
            for work in self._works:
                if work.key in seen.answers and work.key not in self._result.uids:
                    self._keep(work, seen.answers[work.key])

    def _suitable(self) -> dict[str, str]:
        """Return the host names of the nodes that have what the works need, by their ids in Ray."""
        kind = "GPU" if self._works[0].device == "cuda" else "CPU"
        found = {}
        for node in self._ray.nodes():
            has = node["Resources"]
            if node["Alive"] and has.get(kind, 0) >= 1 and (not self._resource or self._resource in has):
                found[node["NodeID"]] = node["NodeManagerHostname"]
        if not found:
            wanted = f" and {self._resource}" if self._resource else ""
            raise SetupError(f"device={self._works[0].device}: no node of the cluster has a {kind}{wanted}")
        return found

    def _hand_out(self) -> None:
        """Give Ray what is not done and not claimed by another driver."""
        for work in [self._claimed.popleft() for _ in range(len(self._claimed))]:
            self._begin(work)
        while self._waiting and len(self._running) < WINDOW:
            self._begin(self._waiting.popleft())

    def _begin(self, work: Work) -> None:
        if work.key in self._result.uids:
            return
        if not self._claims.take(work.key):
            self._claimed.append(work)
            return
        found = work.find(self._store, self._fingerprints)
        if found is not None:
            self._done(work, found)
        else:
            self._submit(work)

    def _submit(self, work: Work) -> None:
        self._running[self._task.options(**self._options(work)).remote(work, extension_modules())] = work

    def _options(self, work: Work) -> dict[str, Any]:
        """Return what a task of Ray needs for ``work``."""
        resources = {self._resource: LITTLE} if self._resource else {}
        if work.device == "cuda":
            options: dict[str, Any] = {"num_gpus": 1, "num_cpus": 0}
        else:
            options = {"num_cpus": max(1, work.threads)}
            resources |= {ONE_PER_NODE: 1} if work.undisturbed else {}
        if self._unusable:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(self._unusable)})"}
        return options | {"resources": resources}

    def _collect(self, timeout: float) -> None:
        """Wait until a task is done, and merge all that are."""
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
                    self._fail(work, error)
                continue
            if answer.unusable:
                self._leave_out(answer.place, _reason(answer.error))
                self._submit(work)
            elif answer.error is not None:
                self._fail(work, answer.error)
            else:
                self._keep(work, answer)
        self._show()

    def _keep(self, work: Work, answer: Answer) -> None:
        """Merge the rows of an answer."""
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.db"
            rows.write_bytes(answer.rows)
            merge(self._store, rows)
        work.keep(answer.files)
        self._done(work, list(answer.uids or ()))

    def _done(self, work: Work, uids: list[str]) -> None:
        self._result.uids[work.key] = uids
        self._claims.leave(work.key)

    def _fail(self, work: Work, error: Exception) -> None:
        self._result.failures[work.name] = _reason(error)
        self._claims.leave(work.key)

    def _leave_out(self, node: str, reason: str) -> None:
        """Use a node no more. Raises :class:`SetupError` if it was the last one."""
        name = self._nodes.get(node, node)
        if node in self._unusable:
            return
        self._unusable[node] = f"{name}: {reason}"
        self._show(f"{name} is left out: {reason}")
        if self._nodes and set(self._nodes) <= set(self._unusable):
            raise SetupError(f"no node can be used: {self._unusable[node]}")

    def _end(self) -> None:
        """Let tasks save what they have, for a short time."""
        for task in self._running:
            self._ray.cancel(task, force=False)
        deadline = time.monotonic() + GRACE
        self._waiting.clear()
        self._claimed.clear()
        while self._running and time.monotonic() < deadline:
            self._collect(POLL)

    def _show(self, note: str = "") -> None:
        if self._progress is not None:
            nodes = len(self._nodes) - len(self._unusable)
            done = len(self._result.uids) + len(self._result.failures)
            self._progress(Tasks(nodes, len(self._works), done, len(self._running), note))


def _reason(error: object) -> str:
    """Return one line; of Ray's errors, which have many, the first."""
    text = str(error)
    if not isinstance(error, LambdaArchError):
        text = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
    return one_line(text)
