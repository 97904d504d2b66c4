"""The case of a measurement: an architecture in a setup."""

from dataclasses import dataclass
from typing import Protocol

from lambda_arch.store.keys import digest
from lambda_arch.store.setup import Setup

VERSION = 1
"""Version of the key's fields."""


class Named(Protocol):
    """An architecture, or a module that is not ours: a hashable value whose ``str()`` is its name."""

    @property
    def image_size(self) -> int:
        """The side of its images, 0 if its input is no square image."""

    def __hash__(self) -> int:
        """Equal ones have equal hashes."""


@dataclass(frozen=True, slots=True)
class Case:
    """An architecture, at its image size, in a setup.

    ``auto``: whether its batch size was found as the largest that fits. ``source``: of a module that is not ours, a
    digest of its source, so that edited code is measured anew.
    """

    architecture: Named
    setup: Setup
    auto: bool = False
    source: str = ""

    def key(self, fingerprint: str) -> str:
        """Return the key of this case's measurements on the machine with this ``fingerprint``."""
        return digest(
            {
                "version": VERSION,
                "architecture": str(self.architecture),
                "setup": self.setup.identity,
                "fingerprint": fingerprint,
                **({"source": self.source} if self.source else {}),
            }
        )
