"""Parts of a product: slots that are merged pairwise, and how much each merge may lose.

Equal slots are a part of their own, merged as n = n/2 + n/2, and so are the slots of neighbouring stages. Of what a
network may cost more than another, each merge has a share; the shares add up to no more than is allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lambda_arch.searching.arrays import Floats, Mask
from lambda_arch.searching.pair_sums import combine

AT_ROOT = 0.3
"""The share of what may be lost that the last merge has."""
RATIO = 0.8
"""How much less a merge may lose than the one above it."""
SLOPE = 0.5
"""The part of a merge's own value that its loss may be proportional to; the rest is a constant."""
EXACT = 5
"""Up to so many equal slots are merged without a loss."""


@dataclass(eq=False)
class Part:
    """``number`` slots together: with ``left`` and ``right``, the parts of which it is merged, or one slot's options.

    ``key`` is equal for parts with equal costs; ``least`` and ``most`` bound its totals. ``repeats``: the ranges of one
    slot's metrics, if all are equal and halves are summed within a window. ``is_exact``: its merge loses nothing.
    ``share`` and ``constant`` say what it may lose, as in :class:`~lambda_arch.searching.lattice.Lattice`.
    """

    key: int
    number: int
    least: Floats
    most: Floats
    options: Floats | None = None
    left: "Part | None" = None
    right: "Part | None" = None
    repeats: Floats | None = None
    is_exact: bool = False
    share: Floats = field(default_factory=lambda: np.empty(0))
    constant: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def halves(self) -> "tuple[Part, Part] | None":
        """The two parts of which it is merged."""
        return None if self.left is None or self.right is None else (self.left, self.right)

    def inner(self) -> "list[tuple[Part, int]]":
        """Return it and all parts of which it is merged, each once, with a depth at which it is."""
        found = {id(self): (self, 0)}
        waiting = [(self, 0)]
        while waiting:
            part, depth = waiting.pop()
            for half in part.halves or ():
                if id(half) not in found:
                    found[id(half)] = (half, depth + 1)
                    waiting.append((half, depth + 1))
        return list(found.values())

    def shares(self) -> Floats:
        """Return the greatest sum of shares of merges in it that are in one another."""
        if self.halves is None:
            return np.zeros(len(self.least))
        return self.share + np.maximum(*(half.shares() for half in self.halves))

    def constants(self) -> Floats:
        """Return the sum of what all its merges may lose whatever their values."""
        if self.halves is None:
            return np.zeros(len(self.least))
        return self.share * self.constant + sum(half.constants() for half in self.halves)


class Parts:
    """Makes parts, and numbers for what is equal. ``windows``: merge equal slots within windows."""

    def __init__(self, is_maximum: Mask, windows: bool, numbers: dict[object, int]) -> None:
        self.is_maximum, self.windows, self.numbers = is_maximum, windows, numbers

    def number(self, key: object) -> int:
        """Return a number for what is equal."""
        return self.numbers.setdefault(key, len(self.numbers))

    def leaf(self, key: int, options: Floats) -> Part:
        """Return one slot; ``key`` is a number for its options."""
        least, most = options.min(axis=0), options.max(axis=0)
        repeats = most - least if self.windows else None
        return Part(key, 1, least, most, options, repeats=repeats, is_exact=True)

    def pair(self, a: Part, b: Part, repeats: Floats | None = None) -> Part:
        """Return two parts together."""
        least, most = (combine(x, y, self.is_maximum) for x, y in ((a.least, b.least), (a.most, b.most)))
        number = a.number + b.number
        is_exact = repeats is not None and number <= EXACT
        return Part(self.number((a.key, b.key)), number, least, most, None, a, b, repeats, is_exact)

    def many(self, leaf: Part, number: int) -> Part:
        """Return equal slots."""
        if number == 1:
            return leaf
        if number % 2:
            return self.pair(self.many(leaf, number - 1), leaf, leaf.repeats)
        half = self.many(leaf, number // 2)
        return self.pair(half, half, leaf.repeats)

    def all(self, parts: Sequence[Part]) -> Part:
        """Return all parts together, neighbours first."""
        parts = list(parts)
        while len(parts) > 1:
            pairs = [self.pair(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
            parts = pairs + parts[len(pairs) * 2 :]
        return parts[0]


def divide(root: Part, fixed: Floats, tolerance: float, slope: Floats, is_maximum: Mask) -> None:
    """Give every merge below the root what it may lose: together at most ``tolerance`` of any network's own value.

    ``slope`` is 1 for the metrics of which every part costs something, 0 for others. With SLOPE times that, the losses
    of parts side by side that are proportional to their values are that share of their sum; what is left, of the least
    that the network can cost, is divided by their ranges.
    """
    least, most = fixed + root.least, fixed + root.most
    own = slope * SLOPE
    floor = np.where(least * most > 0, np.minimum(np.abs(least), np.abs(most)), 0.0)
    rest = np.where(slope > 0, fixed + (1 - own) * root.least, floor)
    ranges = np.maximum(root.most - root.least, 1e-300)
    merges = [(part, depth) for part, depth in root.inner() if part.halves]
    for part, depth in merges:
        weight = 0.0 if part.is_exact else RATIO**depth
        part.share = np.where(is_maximum, 0.0, np.full(len(fixed), weight))
        part.constant = np.sqrt((part.most - part.least) / ranges)
    halves = root.halves or ()
    share = np.max([half.shares() for half in halves], axis=0, initial=0.0)
    constant = np.sum([half.constants() for half in halves], axis=0)
    allowed = tolerance * (1 - AT_ROOT)
    scaled = np.divide(allowed, share, out=np.zeros(len(fixed)), where=share > 0)
    more = np.divide(allowed * rest, constant, out=np.zeros(len(fixed)), where=constant > 0)
    for part, _ in merges[1:]:
        part.share = part.share * scaled
        part.constant = np.where(scaled > 0, part.constant * more / np.maximum(scaled, 1e-300), 0.0)
