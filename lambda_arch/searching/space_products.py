"""The products of a space, made from its keys: which settings are chosen together, and the blocks of each choice."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product as cartesian
from math import prod
from typing import Any

import numpy as np

from lambda_arch.arch import BLOCKS, STAGES, WIDTHS, Block, Convolution
from lambda_arch.errors import DataError
from lambda_arch.searching.search_space import Place, Product, Slot, drop_repeats, letters_of
from lambda_arch.searching.space_keys import (
    NETWORK_KEYS,
    SCOPES,
    Choice,
    block_keys,
    lambda_layer,
    lambda_network,
    read_choice,
    read_scope,
    read_stage,
    read_values,
)

MAX_TIED = 2000
MAX_OPTIONS = 5_000_000

_DEFAULTS = {key: getattr(lambda_network(), key) for key in NETWORK_KEYS}


@dataclass(frozen=True)
class Axis:
    """One independent decision: a choice for the network, one stage, or one block."""

    choice: Choice
    where: tuple[int, ...]


@dataclass(frozen=True)
class Choices:
    """All keys of one network table; for each place, the last key that covers it applies."""

    network: dict[str, tuple[Any, ...]]
    patterns: tuple[str, ...]
    blocks: tuple[Choice, ...]

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> "Choices":
        """Return the choices of a table; raises :class:`DataError` with the key of the mistake."""
        network = {key: (value,) for key, value in _DEFAULTS.items()}
        patterns: tuple[str, ...] = ()
        blocks: list[Choice] = []
        scope = read_scope(table.get("per", "network"), SCOPES, "")
        for key, value in table.items():
            if key in NETWORK_KEYS:
                network[key] = read_values(key, value)
            elif key == "stages":
                patterns = read_values(key, value)
            elif key in STAGES:
                blocks += read_stage(STAGES.index(key), value)
            elif key != "per":
                blocks.append(read_choice(key, value, scope, (), ""))
        if patterns and any(choice.key == "layer" for choice in blocks):
            raise DataError("layer: stages says which layers there are; expected one of the two")
        blocks.sort(key=lambda choice: len(choice.where))
        return cls(network, patterns, tuple(blocks))

    def products(self) -> Iterator[Product]:
        """Yield one product for each depth, image size and so on, and each combination of tied choices."""
        alike: dict[Any, Slot] = {}
        for depth in self.network["depth"]:
            slots = list(self._slots(depth, alike))
            keys = NETWORK_KEYS[1:]
            for values in cartesian(*(self.network[key] for key in keys)):
                base = lambda_network(depth=depth, **dict(zip(keys, values, strict=True)))
                for combination in slots:
                    yield Product(base, combination)

    def _choice_at(self, place: Place, key: str) -> Choice | None:
        found = [choice for choice in self.blocks if choice.key == key and choice.covers(place)]
        return found[-1] if found else None

    def _slots(self, depth: int, alike: dict[Any, Slot]) -> Iterator[tuple[Slot, ...]]:
        """Yield the slots of each product of one depth: a single slot if all choices are tied, or else many.

        ``alike`` keeps slots of one block, for others with the same options.
        """
        places = [(i, j) for i, n in enumerate(BLOCKS[depth]) for j in range(n)]
        letters = letters_of(self.patterns, depth) if self.patterns else None
        sources = {place: {key: self._choice_at(place, key) for key in ("layer", *block_keys())} for place in places}
        self._refuse_misplaced(places, depth)
        axes = {place: self._axes(place, sources[place]) for place in places}
        everywhere = [axis for axis in _distinct(axes.values()) if axis.where == ()]
        if letters is not None:
            everywhere.append(Axis(Choice("stages", self.patterns, "network", ()), ()))
        builder = Builder(places, sources, axes, letters, alike)
        if all(axis.where == () for of_place in axes.values() for axis in of_place):
            yield (builder.slot(places, everywhere, {}),)
            return
        # there are choices for stages or blocks: one product for each combination of the tied ones
        tied = list(everywhere)
        groups: list[list[Place]] = []
        for i in range(len(STAGES)):
            of_stage = [place for place in places if place[0] == i]
            by_block = any(len(axis.where) == 2 for place in of_stage for axis in axes[place])
            if by_block:
                tied += [axis for axis in _distinct(axes[place] for place in of_stage) if axis.where == (i,)]
                groups += [[place] for place in of_stage]
            else:
                groups.append(of_stage)
        if prod(len(axis.choice.values) for axis in tied) > MAX_TIED:
            names = ", ".join(dict.fromkeys(axis.choice.key for axis in tied))
            raise DataError(
                f"{names}: more than {MAX_TIED:,} combinations, besides choices for stages or blocks below them; "
                "expected fewer values, or all of them per stage or per block"
            )
        for values in cartesian(*(range(len(axis.choice.values)) for axis in tied)):
            given = dict(zip(tied, values, strict=True))
            yield tuple(
                builder.slot(group, [a for a in _distinct(axes[p] for p in group) if a not in given], given)
                for group in groups
            )

    def _axes(self, place: Place, source: Mapping[str, Choice | None]) -> list[Axis]:
        found = []
        for choice in source.values():
            if choice is not None and len(choice.values) > 1:
                reach = {"network": 0, "stage": 1, "block": 2}[choice.scope]
                found.append(Axis(choice, place[:reach]))
        return found

    def _refuse_misplaced(self, places: list[Place], depth: int) -> None:
        for choice in self.blocks:
            if len(choice.where) == 2 and choice.where not in places:
                name, number = STAGES[choice.where[0]], BLOCKS[depth][choice.where[0]]
                raise DataError(
                    f"{name}.{choice.where[1] + 1}.{choice.key}: expected a block of {name} from 1 to {number}, "
                    f"for depth {depth}"
                )


def _distinct(axes: Iterable[list[Axis]]) -> list[Axis]:
    return list(dict.fromkeys(axis for of_place in axes for axis in of_place))


@dataclass(frozen=True)
class Builder:
    """Makes slots: the block of each place, for every combination of the axes' values."""

    places: list[Place]
    sources: dict[Place, dict[str, Choice | None]]
    axes: dict[Place, list[Axis]]
    letters: np.ndarray | None
    alike: dict[Any, Slot]

    def slot(self, group: list[Place], axes: list[Axis], given: Mapping[Axis, int]) -> Slot:
        """Return the slot of ``group`` over ``axes``, with the ``given`` axes at their values."""
        if len(group) > 1:
            return self._new_slot(group, axes, given)
        (place,) = group
        known = self._letters(place, axes, given)
        own = [(id(choice), given.get(axis) if axis else None) for choice, axis in self._open_choices(place)]
        key = (place[0], *own, None if known is None else known.tobytes())
        if key not in self.alike:
            self.alike[key] = self._new_slot(group, axes, given)
        (column,) = self.alike[key].columns
        return Slot((replace(column, places=(place,)),))

    def _open_choices(self, place: Place) -> Iterator[tuple[Choice | None, Axis | None]]:
        """Yield the choices that cover a block, with their axes if they have several values."""
        own = {axis.choice: axis for axis in self.axes[place]}
        for choice in self.sources[place].values():
            yield choice, own.get(choice) if choice is not None else None

    def _new_slot(self, group: list[Place], axes: list[Axis], given: Mapping[Axis, int]) -> Slot:
        lengths = [len(axis.choice.values) for axis in axes]
        total = int(np.prod(lengths, dtype=np.int64)) if lengths else 1
        if total > MAX_OPTIONS:
            names = ", ".join(axis.choice.key for axis in axes)
            raise DataError(f"{names}: {total:,} combinations chosen at once; expected at most {MAX_OPTIONS:,}")
        digits = dict(zip(axes, np.unravel_index(np.arange(total), lengths or (1,)), strict=False))
        columns: dict[Any, tuple[list[Place], Any]] = {}
        for place in group:
            known = self._letters(place, axes, given)
            key = (self._key(place, given), None if known is None else known.tobytes())
            if key in columns:
                columns[key][0].append(place)
            else:
                columns[key] = ([place], self._column(place, digits, given, known))
        return drop_repeats([(places, *column) for places, column in columns.values()])

    def _letters(self, place: Place, axes: list[Axis], given: Mapping[Axis, int]) -> Any:
        """Return for each pattern (or the given one) whether ``place`` has a lambda layer; None without patterns."""
        if self.letters is None:
            return None
        of_place = self.letters[:, self.places.index(place)]
        for axis, value in given.items():
            if axis.choice.key == "stages":
                return of_place[value : value + 1]
        return of_place

    def _key(self, place: Place, given: Mapping[Axis, int]) -> Any:
        parts: list[Any] = [place[0]]
        for choice, axis in self._open_choices(place):
            parts.append((id(choice), given.get(axis, axis.where) if axis else None))
        return tuple(parts)

    def _column(self, place: Place, digits: Mapping[Axis, Any], given: Mapping[Axis, int], known: Any) -> Any:
        own = [axis for axis in self.axes[place] if axis in digits]
        lengths = [len(axis.choice.values) for axis in own]
        letters: list[str | None] = [None]
        index: Any = np.zeros(len(next(iter(digits.values()))) if digits else 1, np.int64)
        if known is not None:
            letters = ["C", "L"]
            pattern = next((d for axis, d in digits.items() if axis.choice.key == "stages"), index)
            index = known[pattern].astype(np.int64)
        for axis, length in zip(own, lengths, strict=True):
            index = index * length + digits[axis]
        fixed = {axis: value for axis, value in given.items() if axis in self.axes[place]}
        blocks = []
        possible = set(known.tolist()) if known is not None else {True, False}
        for letter in letters:
            unused = letter is not None and (letter == "L") not in possible
            for values in cartesian(*map(range, lengths)):
                at = {**fixed, **dict(zip(own, values, strict=True))}
                blocks.append(Block() if unused else self._block(place, at, letter))
        return blocks, index.astype(np.int32)

    def _block(self, place: Place, at: Mapping[Axis, int], letter: str | None) -> Block:
        by_choice = {id(axis.choice): value for axis, value in at.items()}
        values = {
            key: choice.values[by_choice.get(id(choice), 0)]
            for key, choice in self.sources[place].items()
            if choice is not None
        }
        kind = letter or values.pop("layer", "L")
        se = values.pop("se", 0.0)
        if kind == "C":
            return Block(Convolution(), se)
        values.pop("layer", None)
        layer = lambda_layer(values)
        if WIDTHS[place[0]] % layer.h:
            raise DataError(
                f"h={layer.h}: expected heads that divide the {WIDTHS[place[0]]} channels of {STAGES[place[0]]}"
            )
        return Block(layer, se)
