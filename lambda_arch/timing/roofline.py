"""What bounds each stage: arithmetic or bytes."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lambda_arch.arch import Architecture
from lambda_arch.costs import Ledger, count
from lambda_arch.errors import SetupError
from lambda_arch.store.setup import BYTES, Setup
from lambda_arch.timing.blocks import check_parts
from lambda_arch.timing.rounds import Finished, Job, Loaded, Sampled, interleaved_rounds
from lambda_arch.timing.statistics import Limits


@dataclass(frozen=True)
class PartRoof:
    """A part of a network on a device: what it took, and the least that its FLOPs and its bytes could have taken.

    ``seconds`` is the median inside whole steps. ``flops`` and ``bytes`` are of a whole step: bytes are every module's
    output written and read once, and its parameters read, at the size of the dtype; training triples both.
    """

    part: str
    seconds: float
    flops: int
    bytes: int
    arithmetic: float
    traffic: float

    @property
    def bound(self) -> str:
        """What takes longer at the device's ceilings."""
        return "arithmetic" if self.arithmetic >= self.traffic else "bytes"

    @property
    def share(self) -> float:
        """How much of the measured time the ceilings account for."""
        return max(self.arithmetic, self.traffic) / self.seconds


def rooflines(
    networks: Sequence[Architecture], setup: Setup, limits: Limits, ceilings: dict[str, float]
) -> Iterator[tuple[Architecture, list[PartRoof]]]:
    """Yield each network with its parts, timed on ``setup``; ``ceilings`` are FLOP/s by dtype, and bytes/s of copy.

    Raises OSError where the network cannot be run there, and :class:`SetupError` for a compiled network or a CUDA
    graph, whose parts cannot be told apart.
    """
    check_parts(setup, "roofline")
    if setup.dtype not in ceilings:
        raise SetupError(f"roofline: {setup.device} has no measured ceiling for {setup.dtype}")
    for network in networks:
        names: tuple[str, ...] = ()
        samples: list[tuple[float, ...]] = []
        for event in interleaved_rounds([Job(str(network), setup)], limits, by_part=True):
            if isinstance(event, Loaded):
                names = event.reply.parts
            elif isinstance(event, Sampled):
                samples += event.reply.parts
            elif isinstance(event, Finished) and event.status != "ok":
                raise OSError(f"{network}: {event.status}, {event.reason}")
        medians = {name: statistics.median(sample[i] for sample in samples) for i, name in enumerate(names)}
        by_part = count(network).by_part()
        yield network, [_roof(part, ledger, medians, setup, ceilings) for part, ledger in by_part.items()]


def _roof(part: str, ledger: Ledger, medians: dict[str, float], setup: Setup, ceilings: dict[str, float]) -> PartRoof:
    passes = 3 if setup.mode == "train" else 1
    flops = ledger.flops * setup.batch_size * passes
    moved = (2 * ledger.activations * setup.batch_size + ledger.params) * BYTES[setup.dtype] * passes
    seconds = sum(value for name, value in medians.items() if name.partition(".")[0] == part)
    values: dict[str, Any] = {"part": part, "seconds": seconds, "flops": flops, "bytes": moved}
    return PartRoof(**values, arithmetic=flops / ceilings[setup.dtype], traffic=moved / ceilings["copy"])
