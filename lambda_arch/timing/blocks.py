"""Latency by block: what every distinct block takes inside a network, and networks predicted as their sum.

A block is known by its stage, whether it is the stage's first (which has a shortcut convolution and, from c3 on, the
stride), its settings, and the side of the map that enters it; where in the stage it stands beyond that changes
nothing about its shapes. It is timed as it occurs: inside whole steps of host networks that hold the wanted blocks,
by marks between the parts (so parts add up to the step), in the setup's memory format, after its neighbours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lambda_arch import arch
from lambda_arch.arch import BLOCKS, STAGES, Block, Bottleneck, ResNet, Stem
from lambda_arch.costs.closed_form import block_part, head_part, stem_part
from lambda_arch.errors import SetupError
from lambda_arch.store.connection import Store
from lambda_arch.store.parts import describe_part, keep_parts, part_key, read_parts
from lambda_arch.store.setup import Setup
from lambda_arch.store.statistics import Summary
from lambda_arch.store.status import Status
from lambda_arch.timing.measure import describe
from lambda_arch.timing.rounds import Event, Finished, Job, Sampled, groups, interleaved_rounds
from lambda_arch.timing.statistics import Limits

HOST_DEPTH = 50  # 3-4-6-3 blocks: one first and up to five other blocks of a stage at once


@dataclass(frozen=True, slots=True)
class Part:
    """A stem, a block or a head; equal where ``key``, by which the store knows its latency, is equal.

    ``label``: the part in words. ``stage`` counts from 0 for blocks, and is None for a stem or a head; ``value`` is the
    stem's kind, the block, or the head's classes. ``image_size`` is one at which the part occurs.
    """

    key: str
    label: str = field(compare=False)
    stage: int | None = field(compare=False)
    first: bool = field(compare=False)
    value: Any = field(compare=False)
    image_size: int = field(compare=False)


def parts(architecture: ResNet) -> list[Part]:
    """Return the parts of a network in order: stem, blocks, head."""
    found = []
    for part in architecture.parts():
        settings: Any = part.settings
        value: Any
        if isinstance(settings, Bottleneck):
            first, value = part.first, settings.block
        else:
            first, value = (False, settings.kind) if isinstance(settings, Stem) else (True, settings.classes)
        found.append(Part(part_key(part), describe_part(part), part.stage, first, value, architecture.image_size))
    return found


def with_blocks(networks: Iterable[object]) -> list[ResNet]:
    """Return ``networks``; raises :class:`SetupError` for one whose blocks are not those of a ResNet."""
    found = []
    for network in networks:
        if not isinstance(network, ResNet):
            raise SetupError(f"{network}: expected a ResNet or LambdaResNet, whose blocks can be told apart")
        if not network.stride or network.pool != "strided" or network.activation != "relu":
            raise SetupError(
                f"{network}: expected the usual strides, pools and activation, so that blocks are told by their sizes"
            )
        found.append(network)
    return found


def space_parts(base: ResNet, blocks: Iterable[Block]) -> list[Part]:
    """Return the parts of every network of ``base``'s shape whose blocks are any of ``blocks``.

    Blocks whose heads do not divide a stage's channels are left out there.
    """
    found = dict.fromkeys(parts(base))
    for block in blocks:
        for i in range(len(STAGES)):
            try:
                stages = [(block,) * len(stage) if i == at else stage for at, stage in enumerate(base.stages)]
                network = replace(base, stages=tuple(stages))
            except ValueError:
                continue
            found |= dict.fromkeys(parts(network))
    return list(found)


def hosts(wanted: Sequence[Part]) -> list[ResNet]:
    """Return networks in which every one of ``wanted`` occurs, as few as there can be of depth 50.

    Settings of a whole network that change no part's shape, such as a bias on its shortcuts, are left out.
    """
    found = []
    for image_size in dict.fromkeys(part.image_size for part in wanted):
        here = list(dict.fromkeys(part for part in wanted if part.image_size == image_size))
        stems = [part.value for part in here if part.stage is None and not part.first] or ["7x7"]
        heads = [part.value for part in here if part.stage is None and part.first] or [1000]
        slots: list[tuple[list[Block], int]] = []  # for each stage: the first block's choices, and the others'
        for i, blocks in enumerate(BLOCKS[HOST_DEPTH]):
            for first in (True, False):
                choices = [part.value for part in here if part.stage == i and part.first == first]
                slots.append((choices or [Block()], 1 if first else blocks - 1))
        number = max(len(stems), len(heads), *(-(-len(choices) // width) for choices, width in slots))
        for n in range(number):
            filled = [[choices[(n * width + w) % len(choices)] for w in range(width)] for choices, width in slots]
            stages = tuple((*filled[2 * i], *filled[2 * i + 1]) for i in range(len(STAGES)))
            found.append(
                ResNet(
                    HOST_DEPTH,
                    stages,
                    stems[n % len(stems)],
                    classes=heads[n % len(heads)],
                    image_size=image_size,
                )
            )
    return found


class Calibration:
    """The latencies of ``wanted`` parts, measured and stored where the store does not have them (or ``fresh``).

    Iterate :meth:`events` to do it; stopped at any time, it goes on from there. Raises :class:`SetupError` for a
    compiled network or a CUDA graph, whose parts cannot be told apart.
    """

    def __init__(
        self, store: Store, setup: Setup, wanted: Iterable[Part], limits: Limits | None = None, *, fresh: bool = False
    ) -> None:
        check_parts(setup, "calibrate")
        self.store = store
        self.setup = setup
        self.limits = limits or Limits(seconds=5.0)
        self.fingerprint = describe(store, [setup.device])[setup.device]
        self.wanted = list(dict.fromkeys(wanted))
        known = set() if fresh else set(read_parts(store, self.fingerprint, setup))
        self.todo = [part for part in self.wanted if part.key not in known]
        self.hosts = hosts(self.todo)
        self.failed: list[str] = []

    def events(self) -> Iterator[Event]:
        """Measure the hosts, store the parts of each as it is done, and yield what happens."""
        by_name = {str(host): host for host in self.hosts}
        wanted = {part.key for part in self.todo}
        for group in groups([Job(name, self.setup) for name in by_name]):
            samples: dict[Job, list[tuple[float, ...]]] = {job: [] for job in group}
            for event in interleaved_rounds(group, self.limits, by_part=True):
                name = event.job.architecture
                if isinstance(event, Sampled):
                    samples[event.job] += event.reply.parts
                elif isinstance(event, Finished) and event.status is Status.OK:
                    self._keep(by_name[name], samples[event.job], wanted)
                elif isinstance(event, Finished):
                    self.failed.append(f"{name}: {event.status}, {event.reason}")
                yield event

    def _keep(self, host: ResNet, samples: Sequence[Sequence[float]], wanted: set[str]) -> None:
        seconds: dict[str, list[float]] = {}
        for i, part in enumerate(parts(host)):
            if part.key in wanted:
                seconds.setdefault(part.key, []).extend(sample[i] for sample in samples)
        keep_parts(self.store, self.fingerprint, self.setup, str(host), seconds)


@dataclass(frozen=True)
class BlockLatencies:
    """Calibrated seconds a step of the whole batch, by part. Lookups raise KeyError for what was not calibrated."""

    setup: Setup
    fingerprint: str
    by_key: dict[str, Summary]

    def seconds(self, part: arch.Part) -> float:
        """Return the seconds of a part in its place in a network; raises KeyError, naming it, where it has none."""
        try:
            return self.by_key[part_key(part)].median
        except KeyError:
            raise KeyError(describe_part(part)) from None

    def __call__(self, stage: int, first: bool, block: Block, size: int) -> float:
        """Return the seconds of a block; ``stage`` counts from 0, ``size`` is the side of its input map."""
        return self.seconds(block_part(STAGES[stage], block, stage, first, size, False, None))

    def stem(self, kind: str, image_size: int) -> float:
        """Return the seconds of a stem."""
        return self.seconds(stem_part(kind, image_size))

    def head(self, classes: int, size: int) -> float:
        """Return the seconds of a head whose input map has side ``size``."""
        return self.seconds(head_part(classes, size))

    def missing(self, architecture: ResNet) -> list[str]:
        """Return the parts of ``architecture`` that were not calibrated, in words."""
        return [part.label for part in dict.fromkeys(parts(architecture)) if part.key not in self.by_key]

    def network(self, architecture: ResNet) -> float:
        """Return the predicted seconds of a step: the sum over its parts."""
        return sum(map(self.seconds, architecture.parts()))


def block_latencies(store: Store, setup: Setup, *, fingerprint: str = "") -> BlockLatencies:
    """Return what was calibrated for ``setup`` on its device here, or on the machine of ``fingerprint``.

    Of parts measured more than once, the newest counts.
    """
    where = fingerprint or describe(store, [setup.device])[setup.device]
    return BlockLatencies(setup, where, read_parts(store, where, setup))


def check_parts(setup: Setup, what: str) -> None:
    """Raise :class:`SetupError`, as ``what`` asks for it, where a setup runs other parts than the network has."""
    if setup.compile or setup.graph:
        raise SetupError(f"{what}: expected compile=False and graph=False, for else the parts run as one")
    if setup.evaluation == "prepared":
        raise SetupError(f"{what}: expected evaluation=auto; a prepared network has other parts")
