"""What is measured: an architecture in a setup."""

from dataclasses import dataclass

from lambda_arch.arch import Architecture
from lambda_arch.store.keys import digest
from lambda_arch.store.setup import Setup

VERSION = 1
"""Of the fields that a key is made of."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure: an architecture (its image size included) in a setup.

    ``auto``: whether the batch size was found as the largest that fits.
    """

    architecture: Architecture
    setup: Setup
    auto: bool = False

    def key(self, fingerprint: str) -> str:
        """Return the key of the measurements of this case on the machine of ``fingerprint``."""
        return digest(
            {
                "version": VERSION,
                "architecture": str(self.architecture),
                "setup": self.setup.identity,
                "fingerprint": fingerprint,
            }
        )
