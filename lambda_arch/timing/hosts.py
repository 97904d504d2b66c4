"""Host networks, inside which parts are timed, so that each part has its usual neighbours.

The parts of ResNets are timed in networks of depth 50, each filled with as many wanted parts as it has blocks. Parts of
other families are timed in the networks in which they occur.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lambda_arch.arch import (
    BLOCKS,
    STAGES,
    Architecture,
    ArchitectureError,
    Block,
    Bottleneck,
    Head,
    Lambda,
    Part,
    ResNet,
    Stem,
)
from lambda_arch.store.parts import part_key

HOST_DEPTH = 50  # 3-4-6-3 blocks: one first and up to five other blocks of a stage at once


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A part in a network. Two are equal if the store has their latency under the same ``key``."""

    key: str
    part: Part = field(compare=False)
    network: Architecture = field(compare=False)


def occurrences(network: Architecture) -> list[Occurrence]:
    """Return the parts of ``network`` in order."""
    return [Occurrence(part_key(part), part, network) for part in network.parts()]


def occurrences_of_choices(base: ResNet, blocks: Iterable[Block]) -> list[Occurrence]:
    """Return the distinct parts of all networks of ``base``'s shape that are made of ``blocks``.

    A block is left out of stages whose channels its heads do not divide.
    """
    found = dict.fromkeys(occurrences(base))
    for block in blocks:
        for i in range(len(STAGES)):
            stages = [(block,) * len(stage) if i == at else stage for at, stage in enumerate(base.stages)]
            try:
                found |= dict.fromkeys(occurrences(replace(base, stages=tuple(stages))))
            except ArchitectureError:
                continue
    return list(found)


def hosts(wanted: Iterable[Occurrence]) -> list[Architecture]:
    """Return few networks in which all of ``wanted`` occur."""
    found: list[Architecture] = []
    by_frame: dict[ResNet, list[Occurrence]] = {}
    for each in dict.fromkeys(wanted):
        if isinstance(each.network, ResNet):
            by_frame.setdefault(_frame(each.network), []).append(each)
        else:
            found.append(each.network)
    found += [host for frame, here in by_frame.items() for host in _resnet_hosts(frame, here)]
    return list(dict.fromkeys(found))


def _frame(network: ResNet) -> ResNet:
    """Return a network with default parts, and with the settings of ``network`` on which latencies depend.

    Shortcut biases and shared embeddings change no shapes, and are left out.
    """
    stages = tuple((Block(Lambda()),) * number for number in BLOCKS[HOST_DEPTH])  # lambda layers, so that pool applies
    plain = ResNet(HOST_DEPTH, stages, image_size=network.image_size)
    return replace(plain, stride=network.stride, pool=network.pool, activation=network.activation)


def _resnet_hosts(frame: ResNet, wanted: Sequence[Occurrence]) -> list[Architecture]:
    settings = [each.part.settings for each in wanted]
    stems = [each.kind for each in settings if isinstance(each, Stem)] or [frame.stem]
    heads = [each.classes for each in settings if isinstance(each, Head)] or [frame.classes]
    slots: list[tuple[list[Block], int]] = []  # for each stage: the first block's choices, and the others'
    for i, number in enumerate(BLOCKS[HOST_DEPTH]):
        for first in (True, False):
            places = [each.part for each in wanted if (each.part.stage, each.part.first) == (i, first)]
            blocks = [part.settings.block for part in places if isinstance(part.settings, Bottleneck)]
            slots.append((blocks or [Block()], 1 if first else number - 1))
    count = max(len(stems), len(heads), *(-(-len(choices) // width) for choices, width in slots))
    found: list[Architecture] = []
    for n in range(count):
        filled = [[choices[(n * width + w) % len(choices)] for w in range(width)] for choices, width in slots]
        stages = tuple((*filled[2 * i], *filled[2 * i + 1]) for i in range(len(STAGES)))
        found.append(replace(frame, stages=stages, stem=stems[n % len(stems)], classes=heads[n % len(heads)]))
    return found
