"""Random numbers that depend on the run's seed and on the place in it alone.

Nothing has to be remembered then to continue a run, and several devices draw what one would.
"""

from hashlib import blake2b


def seed_of(*parts: int | str) -> int:
    """Return a seed from 0 to 2**63 - 1 for the place that ``parts`` name."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1
