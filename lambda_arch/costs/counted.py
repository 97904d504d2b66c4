"""What a counter that runs the network returns."""

from collections.abc import Mapping
from dataclasses import dataclass

from lambda_arch.arch import Architecture
from lambda_arch.costs.backward import Mode
from lambda_arch.costs.ledger import Ledger, Row


@dataclass(frozen=True)
class Counted:
    """A ledger counted by running the network; ``zero`` says how often each operation ran that counts as zero.

    ``macs``: of the whole run, in no module or in one; None if the counter does not say.
    """

    name: str
    ledger: Ledger
    zero: dict[str, int]
    macs: int | None = None

    @classmethod
    def of(
        cls,
        name: str,
        architecture: Architecture,
        rows: list[Row],
        zero: Mapping[str, int],
        *,
        macs: int | None = None,
        mode: Mode = "inference",
    ) -> "Counted":
        """Return the rows and uncounted operations of the counter ``name``."""
        return cls(name, Ledger(str(architecture), architecture.image_size, tuple(rows), mode), dict(zero), macs)
