"""Checks of a front's members: built, counted with all three counters and optionally timed as whole networks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_arch.arch import Architecture
from lambda_arch.searching.front import Front
from lambda_arch.searching.whole_networks import WholeLatencies

if TYPE_CHECKING:
    from lambda_arch.store import Setup


@dataclass(frozen=True)
class Checked:
    """A member with the search's figures, those of its built network, and its measured ``seconds``, if any."""

    member: int
    architecture: Architecture
    said: dict[str, float]
    counted: dict[str, int]
    disagreements: tuple[str, ...]
    seconds: float | None = None

    @property
    def agrees(self) -> bool:
        """Whether the three counters agree with each other and with the search."""
        return not self.disagreements and all(self.said[name] == value for name, value in self.counted.items())


def check_members(
    front: Front, members: Sequence[int], *, setup: "Setup | None" = None, store: Path | str | None = None
) -> Iterator[Checked]:
    """Yield the check of each member; whole networks are timed if ``setup`` is given. Loads torch."""
    from lambda_arch.costs.verify_all import verify_all

    architectures = [front.architecture(member) for member in members]
    timed = None if setup is None else WholeLatencies(setup, store)
    if timed is not None:
        timed.measure(architectures)
    for member, architecture, verification in zip(members, architectures, verify_all(architectures), strict=True):
        ledger = verification.ledger
        counts = {"params": ledger.params, "macs": ledger.macs, "flops": ledger.flops}
        said = front.values(member)
        yield Checked(
            member,
            architecture,
            said,
            {name: value for name, value in counts.items() if name in said},
            verification.disagreements,
            None if timed is None else timed(architecture),
        )
