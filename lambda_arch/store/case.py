"""The case of a measurement: an architecture in a setup."""

from dataclasses import dataclass

from lambda_arch.arch import Architecture
from lambda_arch.store.keys import digest
from lambda_arch.store.setup import Setup

VERSION = 1
"""Version of the key's fields."""


@dataclass(frozen=True, slots=True)
class Case:
    """An architecture, at its image size, in a setup.

    ``auto``: whether its batch size was found as the largest that fits.
    """

    architecture: Architecture
    setup: Setup
    auto: bool = False

    def key(self, fingerprint: str) -> str:
        """Return the key of this case's measurements on the machine with this ``fingerprint``."""
        return digest(
            {
                "version": VERSION,
                "architecture": str(self.architecture),
                "setup": self.setup.identity,
                "fingerprint": fingerprint,
            }
        )
