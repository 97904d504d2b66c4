"""A space of architectures: a union of products of independent choices, or a listing of architectures of any family.

A :class:`Product` is a ResNet whose blocks are chosen slot by slot, each :class:`Slot` independently of the others; all
its other settings are given. A slot spans one block, the blocks of a stage that are chosen together, or the network.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from lambda_arch.arch import BLOCKS, Architecture, Block, ResNet, expand
from lambda_arch.errors import DataError
from lambda_arch.searching.arrays import Indices, Mask

Place = tuple[int, int]
"""A block of a network: its stage and its number there, both from 0."""


@dataclass(frozen=True, eq=False)
class Column:
    """Places that have equal blocks in every option of a slot, and the index in ``blocks`` for each option."""

    places: tuple[Place, ...]
    blocks: tuple[Block, ...]
    index: Indices


@dataclass(frozen=True, eq=False)
class Slot:
    """Blocks that are chosen together. Option ``i`` gives each column the block ``column.blocks[column.index[i]]``."""

    columns: tuple[Column, ...]

    @property
    def size(self) -> int:
        """The number of options."""
        return len(self.columns[0].index)

    @property
    def places(self) -> list[Place]:
        """The places of its blocks."""
        return [place for column in self.columns for place in column.places]


@dataclass(frozen=True, eq=False)
class Product:
    """A network whose blocks are open: every combination of the slots' options is an architecture.

    ``base`` has all other settings. Its own blocks have lambda layers everywhere, because a network without lambda
    layers loses the settings that concern them. Raises :class:`DataError` for shared embeddings, whose parameters are
    not a sum over blocks.
    """

    base: ResNet
    slots: tuple[Slot, ...]

    def __post_init__(self) -> None:
        if self.base.shared_embeddings:
            raise DataError(
                "shared_embeddings=yes: layers that share them do not cost a sum over blocks; "
                "expected no, or a space of a base, which is counted network by network"
            )

    @property
    def size(self) -> int:
        """The number of combinations."""
        return prod(slot.size for slot in self.slots)

    def architecture(self, options: Sequence[int]) -> ResNet:
        """Return the architecture of one option per slot."""
        blocks: dict[Place, Block] = {}
        for slot, option in zip(self.slots, options, strict=True):
            for column in slot.columns:
                block = column.blocks[column.index[option]]
                blocks.update(dict.fromkeys(column.places, block))
        return self._network(blocks)

    def covering(self) -> Iterator[ResNet]:
        """Yield as few networks as possible in which every block occurs in each of its possible places."""
        columns = [column for slot in self.slots for column in slot.columns]
        for i in range(max(len(column.blocks) for column in columns)):
            chosen = [(column.places, column.blocks[i % len(column.blocks)]) for column in columns]
            yield self._network({place: block for places, block in chosen for place in places})

    def _network(self, blocks: Mapping[Place, Block]) -> ResNet:
        shape = BLOCKS[self.base.depth]
        return replace(self.base, stages=tuple(tuple(blocks[i, j] for j in range(n)) for i, n in enumerate(shape)))


@dataclass(frozen=True, eq=False)
class Listing:
    """A list of architectures of any family. It is its own and only slot, with one option per architecture."""

    architectures: tuple[Architecture, ...]

    @property
    def slots(self) -> "tuple[Listing]":
        """The listing itself."""
        return (self,)

    @property
    def size(self) -> int:
        """The number of architectures."""
        return len(self.architectures)

    def architecture(self, options: Sequence[int]) -> Architecture:
        """Return the architecture of one option."""
        return self.architectures[options[0]]

    def covering(self) -> Iterator[Architecture]:
        """Yield all architectures."""
        yield from self.architectures


@dataclass(frozen=True)
class Space:
    """A union of products and listings, with a name and a description."""

    name: str
    about: str
    products: tuple[Product | Listing, ...]

    @property
    def size(self) -> int:
        """The number of combinations over all products.

        An architecture in two products counts twice.
        """
        return sum(product.size for product in self.products)

    @property
    def stems(self) -> list[str]:
        """The stems of its ResNets."""
        bases = [each.base for each in self.products if isinstance(each, Product)]
        listed = [each for listing in self.products if isinstance(listing, Listing) for each in listing.architectures]
        return list(dict.fromkeys(each.stem for each in (*bases, *listed) if isinstance(each, ResNet)))

    def architectures(self) -> Iterator[Architecture]:
        """Yield every architecture; only for small spaces."""
        for product in self.products:
            for options in np.ndindex(*(slot.size for slot in product.slots)):
                yield product.architecture(options)


def drop_repeats(columns: Sequence[tuple[Sequence[Place], Sequence[Block], Indices]]) -> Slot:
    """Return the slot of ``columns`` without repeated combinations of blocks, in order of first occurrence."""
    merged: list[Column] = []
    code = np.zeros(len(columns[0][2]), np.int64)
    for places, blocks, index in columns:
        number = {block: i for i, block in enumerate(dict.fromkeys(blocks))}
        distinct = np.array([number[block] for block in blocks], np.int32)[index]
        merged.append(Column(tuple(places), tuple(number), distinct))
        code = code * len(number) + distinct
        if code.size and code.max() > 2**62 // 100_000:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
    first = np.sort(np.unique(code, return_index=True)[1])
    return Slot(tuple(Column(column.places, column.blocks, column.index[first]) for column in merged))


def letters_of(patterns: Sequence[str], depth: int) -> Mask:
    """Return which blocks have a lambda layer (patterns x blocks); raises DataError for other layers than C and L."""
    expanded = ["".join(expand(pattern, BLOCKS[depth])) for pattern in patterns]
    for pattern, letters in zip(patterns, expanded, strict=True):
        other = sorted(set(letters) - {"C", "L"})
        if other:
            raise DataError(
                f"stages={pattern}: expected C (convolution) or L (lambda) in a space, where it says {other[0]}"
            )
    return np.array([[letter == "L" for letter in letters] for letters in expanded])
