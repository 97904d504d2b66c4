"""A space of architectures: a union of products of independent choices.

A :class:`Product` is a network whose depth, image size, stem, head and biases are given, and whose blocks are chosen
slot by slot, each :class:`Slot` independently of the others. A slot spans one block, the blocks of a stage that are
chosen together, or the whole network.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from lambda_arch.arch import BLOCKS, ArchitectureError, Block, ResNet, expand
from lambda_arch.arch.resnet_tables import StemKind
from lambda_arch.searching.arrays import Indices, Mask

Place = tuple[int, int]
"""A block of a network: its stage and its number there, both from 0."""


@dataclass(frozen=True)
class Column:
    """Blocks that are alike in every option of a slot: their ``places``, and which of ``blocks`` each option gives."""

    places: tuple[Place, ...]
    blocks: tuple[Block, ...]
    index: Indices


@dataclass(frozen=True)
class Slot:
    """Blocks that are chosen together. Option ``i`` gives each column the block ``column.blocks[column.index[i]]``."""

    columns: tuple[Column, ...]

    @property
    def size(self) -> int:
        """The number of options."""
        return len(self.columns[0].index)

    @property
    def places(self) -> list[Place]:
        """The blocks that it chooses for."""
        return [place for column in self.columns for place in column.places]


@dataclass(frozen=True)
class Product:
    """A network with its blocks left open: every combination of the slots' options is an architecture."""

    depth: int
    image_size: int
    stem: StemKind
    shortcut_bias: bool
    classes: int
    slots: tuple[Slot, ...]

    @property
    def size(self) -> int:
        """The number of combinations."""
        return prod(slot.size for slot in self.slots)

    def architecture(self, options: Sequence[int]) -> ResNet:
        """Return the architecture of one option a slot."""
        blocks: dict[Place, Block] = {}
        for slot, option in zip(self.slots, options, strict=True):
            for column in slot.columns:
                block = column.blocks[column.index[option]]
                blocks.update(dict.fromkeys(column.places, block))
        return self._network(blocks)

    def covering(self) -> Iterator[ResNet]:
        """Yield networks, as few as can be, in which every block occurs wherever the product may have it."""
        columns = [column for slot in self.slots for column in slot.columns]
        for i in range(max(len(column.blocks) for column in columns)):
            chosen = [(column.places, column.blocks[i % len(column.blocks)]) for column in columns]
            yield self._network({place: block for places, block in chosen for place in places})

    def _network(self, blocks: Mapping[Place, Block]) -> ResNet:
        stages = tuple(tuple(blocks[i, j] for j in range(n)) for i, n in enumerate(BLOCKS[self.depth]))
        return ResNet(
            self.depth,
            stages,
            stem=self.stem,
            shortcut_bias=self.shortcut_bias,
            classes=self.classes,
            image_size=self.image_size,
        )


@dataclass(frozen=True)
class Space:
    """A union of products, with a name and a line about it."""

    name: str
    about: str
    products: tuple[Product, ...]
    spread: bool = field(default=False)  # whether any choice is made for stages or blocks apart

    @property
    def size(self) -> int:
        """The number of combinations over all products.

        An architecture that two products hold (a network without lambda layers, whatever their settings) counts twice.
        """
        return sum(product.size for product in self.products)

    def architectures(self) -> Iterator[ResNet]:
        """Yield every architecture; only for small spaces."""
        for product in self.products:
            for options in np.ndindex(*(slot.size for slot in product.slots)):
                yield product.architecture(options)


def drop_repeats(columns: Sequence[tuple[Sequence[Place], Sequence[Block], Indices]]) -> Slot:
    """Return the slot of ``columns`` with every combination of blocks once, in the order of their first occurrence."""
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
    """Return which blocks hold a lambda layer, patterns x blocks; raises ArchitectureError where one cannot."""
    expanded = ["".join(expand(pattern, BLOCKS[depth])) for pattern in patterns]
    for pattern, letters in zip(patterns, expanded, strict=True):
        other = sorted(set(letters) - {"C", "L"})
        if other:
            raise ArchitectureError(
                f"stages={pattern}: expected C (convolution) or L (lambda) in a space, where it says {other[0]}"
            )
    return np.array([[letter == "L" for letter in letters] for letters in expanded])
