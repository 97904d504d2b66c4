"""The nodes of a cluster: which of them may do works, on which device, and what they have from before."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from lambda_arch import __version__
from lambda_arch.arch import extension_modules
from lambda_arch.cluster.node import Look
from lambda_arch.cluster.node import look as look_here
from lambda_arch.cluster.work import Work
from lambda_arch.errors import LambdaArchError, SetupError, did_you_mean, one_line

Alike = Literal["", "device", "machine"]
"""What all nodes have to have in common: nothing, the name of their device, or their whole fingerprint."""
ACCELERATOR = "accelerator_type:"
"""How Ray's own resources for the kinds of GPUs begin."""
ONE_PER_NODE = "node:__internal_implicit_resource_lambda-arch-latency"
"""Of such a resource every node of Ray has one: latencies are measured one at a time on a CPU."""
LITTLE = 0.001  # of a resource of which only the presence matters
POLL = 0.5  # seconds between two looks at what has happened


class Nodes:
    """The nodes that have what works need: a ``device`` (cpu or cuda), and the ``resource``.

    ``resource``: one of Ray's, or the name of the device as ``lambda-arch devices`` shows it. ``names`` are their host
    names by their ids in Ray; ``looks`` what was seen of those that can be used, ``left_out`` why others cannot.

    Raises :class:`SetupError` if there are none.
    """

    def __init__(self, ray: Any, device: str, resource: str, alike: Alike) -> None:
        self._ray = ray
        self._device = device
        self._resource = resource
        self._alike = alike
        self._resources: dict[str, set[str]] = {}  # of every node that has such a device
        self._others: set[str] = set()  # nodes with another device than the resource names
        self.names: dict[str, str] = {}
        self.looks: dict[str, Look] = {}
        self.left_out: dict[str, str] = {}
        kind = "GPU" if device == "cuda" else "CPU"
        for node in ray.nodes():
            if node["Alive"] and node["Resources"].get(kind, 0) >= 1:
                self.names[node["NodeID"]] = node["NodeManagerHostname"]
                self._resources[node["NodeID"]] = set(node["Resources"])
        if not self.names:
            raise SetupError(f"device={device}: no node of the cluster has a {kind}")
        having = {node for node, resources in self._resources.items() if resource in resources}
        self._named = bool(resource) and not having  # by its device
        if having:
            self.names = {node: name for node, name in self.names.items() if node in having}

    def look(self, works: Sequence[Work], waiting: Callable[[], object]) -> None:
        """Look at them, and keep those that can be used and are alike; ``waiting`` is called now and then.

        Raises :class:`SetupError` or :class:`StoreError` if none can be used, and :class:`SetupError` if they differ.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        look = self._ray.remote(num_cpus=0, max_calls=int(self._device == "cuda"))(look_here)
        sent = self._ray.put(list(works))
        places = {
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
                sent, extension_modules(), described=bool(self._alike or self._named)
            ): node
            for node in self.names
        }
        left, errors = list(places), []
        while left:
            waiting()
            done, left = self._ray.wait(left, timeout=POLL)
            for task in done:
                node = places[task]
                try:
                    seen: Look = self._ray.get(task)
                except self._ray.exceptions.RayError as error:
                    seen = Look(self.names[node], __version__, error=error)
                if seen.version != __version__:
                    self.left_out[node] = f"{self.names[node]}: has lambda-arch {seen.version}, not {__version__}"
                elif seen.error is not None:
                    self.left_out[node] = f"{self.names[node]}: {reason_of(seen.error)}"
                    errors.append(seen.error)
                else:
                    self.looks[node] = seen
        if not self.looks:
            own = [error for error in errors if isinstance(error, LambdaArchError | OSError)]
            raise own[0] if own else SetupError(self._none())
        self._choose()

    def _choose(self) -> None:
        """Keep the nodes that the resource names; raise :class:`SetupError` if they are not alike."""
        if self._named:
            self._only_named()
        if self._alike and len({self._kind(seen) for seen in self.looks.values()}) > 1:
            raise SetupError(f"device={self._device}: {self._kinds()}; expected resource=NAME with one of them")
        if self._alike and self._device == "cuda" and (self._named or not self._resource):
            kinds = {each for node in self.looks for each in self._resources[node] if each.startswith(ACCELERATOR)}
            self._resource = kinds.pop() if len(kinds) == 1 else ""  # so nodes that come later have the device too

    def _only_named(self) -> None:
        """Keep the nodes whose device the resource names."""
        devices = {seen.device for seen in self.looks.values()}
        if self._resource not in devices:
            known = sorted(devices | {each for has in self._resources.values() for each in has if _is_by_user(each)})
            raise SetupError(
                f"resource={self._resource}: no node has it; expected one of {', '.join(known)}"
                f"{did_you_mean(self._resource, known)}"
            )
        self.looks = {node: seen for node, seen in self.looks.items() if seen.device == self._resource}
        self._others = set(self.names) - set(self.looks)
        self.names = {node: self.names[node] for node in self.looks}
        self._resource = ""

    def _kind(self, seen: Look) -> str:
        return seen.fingerprint if self._alike == "machine" else seen.device

    def _kinds(self) -> str:
        """Say which devices the nodes have."""
        devices = sorted({seen.device for seen in self.looks.values()})
        if len(devices) == 1:
            return f"the nodes have {devices[0]}, but differ in drivers, versions or hosts"
        return f"the nodes have {len(devices)} kinds of devices ({', '.join(devices)})"

    @property
    def fingerprints(self) -> set[str]:
        """The fingerprints of their devices."""
        return {seen.fingerprint for seen in self.looks.values()}

    def are_like(self, device: str, fingerprint: str) -> bool:
        """Return whether results from such a device stand for theirs."""
        known = self.fingerprints if self._alike == "machine" else {seen.device for seen in self.looks.values()}
        return not self._alike or (fingerprint if self._alike == "machine" else device) in known

    def options(self, work: Work) -> dict[str, Any]:
        """Return what a task of Ray needs for ``work``."""
        resources = {self._resource: LITTLE} if self._resource else {}
        if work.device == "cuda":
            options: dict[str, Any] = {"num_gpus": 1, "num_cpus": 0}
        else:
            options = {"num_cpus": max(1, work.threads)}
            resources |= {ONE_PER_NODE: 1} if work.undisturbed else {}
        others = {*self.left_out, *self._others}
        having = [node for node, seen in self.looks.items() if work.key in seen.begun and node not in others]
        if len(having) == 1:  # with a shared folder it goes on anywhere
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(having[0], soft=True)
        elif others:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(others))})"}
        return options | {"resources": resources}

    def leave_out(self, node: str, reason: str) -> None:
        """Use a node no more. Raises :class:`SetupError` if it was the last one."""
        self.left_out[node] = f"{self.names.get(node, node)}: {reason}"
        if set(self.names) <= set(self.left_out):
            raise SetupError(self._none())

    def lost(self) -> list[str]:
        """Return the names of those that were lost since the last time."""
        alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
        return [self.names.pop(node) for node in set(self.names) - alive]

    def _none(self) -> str:
        return f"no node can be used: {next(iter(self.left_out.values()), 'the last one was lost')}"

    def __len__(self) -> int:
        """Return how many can be used."""
        return len(set(self.names) - set(self.left_out))


def _is_by_user(resource: str) -> bool:
    """Return whether a resource of Ray says something about the kind of a node."""
    return resource.startswith(ACCELERATOR) or (
        resource not in ("CPU", "GPU", "memory", "object_store_memory") and not resource.startswith("node:")
    )


def reason_of(error: object) -> str:
    """Return one line; of Ray's errors, which have many, the first, or what was raised in the task."""
    cause = getattr(error, "cause", None)
    if cause is not None:
        return one_line(f"{type(cause).__name__}: {cause}")
    text = str(error)
    if not isinstance(error, LambdaArchError):
        text = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
    return one_line(text)
