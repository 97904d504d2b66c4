"""Members of a front checked: built, counted by all three books and, where a clock is given, timed as a whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lambda_arch.arch import ResNet
from lambda_arch.searching.front import Front

Clock = Callable[[ResNet], float]
"""Seconds of a whole network, for the batch of the latencies."""


@dataclass(frozen=True)
class Checked:
    """A member, what the search said of it, and what its built network has; ``seconds`` where it was timed."""

    member: int
    architecture: ResNet
    said: dict[str, float]
    counted: dict[str, int]
    disagreements: tuple[str, ...]
    seconds: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the three books agree with each other, and with what the search said."""
        return not self.disagreements and all(self.said[name] == value for name, value in self.counted.items())


def check_members(front: Front, members: Sequence[int], clock: Clock | None = None) -> Iterator[Checked]:
    """Yield each member checked, as it is done. Loads torch."""
    from lambda_arch.costs import verify

    for member in members:
        architecture = front.architecture(member)
        verification = verify(architecture)
        ledger = verification.ledger
        counts = {"params": ledger.params, "macs": ledger.macs, "flops": ledger.flops}
        said = front.values(member)
        yield Checked(
            member,
            architecture,
            said,
            {name: value for name, value in counts.items() if name in said},
            verification.disagreements,
            None if clock is None else clock(architecture),
        )
