"""Spaces from TOML: the options of an architecture, each with a value, a list or a range.

per = "stage"            # what the lists below are chosen for: the network (default), each stage, or each block
depth = [50, 101]        # depth, image_size, stem, shortcut_bias, classes and stages: always for the network
image_size = { from = 160, to = 288, step = 32 }
layer = ["C", "L"]       # or stages = ["CCLL", "C-C-2-L"]
k = { from = 4, to = 32, times = 2 }
[c4]                     # for this stage; per = "block" for each of its blocks
m = [7, 23]
[c4.1]                   # for this block
k = 16
[[network]]              # a union: each table on top of the keys above
depth = 50
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product as cartesian
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lambda_arch.arch import BLOCKS, OPTIONS, STAGES, WIDTHS, ArchitectureError, Block, Convolution, Lambda, nearest
from lambda_arch.arch.resnet import MIN_IMAGE_SIZE, STEMS
from lambda_arch.search.space import Place, Product, Slot, Space, drop_repeats, letters_of

BUILT_IN = ("ablation", "scaling", "stages", "blocks")
MAX_TIED = 2000
MAX_OPTIONS = 5_000_000

_BY_NAME = {option.name: option for option in OPTIONS}
NETWORK_KEYS = ("depth", "image_size", "stem", "shortcut_bias", "classes")
BLOCK_KEYS = tuple(option.name for option in OPTIONS if option.level in ("lambda", "block"))
SCOPES = ("network", "stage", "block")
_DEFAULTS: dict[str, Any] = {"depth": 50, "image_size": 224, "stem": "7x7", "shortcut_bias": False, "classes": 1000}


def read_space(name: str) -> Space:
    """Return a built-in space by name, or the space of a TOML file.

    Raises :class:`ArchitectureError` naming the key of what is wrong, and OSError for a file that cannot be read.
    """
    if name in BUILT_IN:
        return built_in(name)
    if not name.endswith(".toml"):
        raise ArchitectureError(
            f"{name}: no such space{nearest(name, BUILT_IN)}; expected one of {', '.join(BUILT_IN)}, or a .toml file"
        )
    path = Path(name)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise ArchitectureError(f"{name}: expected a TOML file, text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ArchitectureError(f"{name}: {error}; expected TOML such as k = [8, 16]") from None
    try:
        return space_of(table, path.stem)
    except ArchitectureError as error:
        raise ArchitectureError(f"{name}: {error}") from None


@cache
def built_in(name: str) -> Space:
    """Return the built-in space ``name``."""
    text = files("lambda_arch.search").joinpath("spaces", f"{name}.toml").read_text("utf-8")
    return space_of(tomllib.loads(text), name)


def space_of(table: Mapping[str, Any], name: str) -> Space:
    """Return the space of a parsed table; raises :class:`ArchitectureError` naming what is wrong."""
    shared = {key: value for key, value in table.items() if key not in ("network", "about")}
    about = table.get("about", "")
    networks = table.get("network", [{}])
    if not isinstance(about, str):
        raise ArchitectureError(f"about={about}: expected a text")
    if not isinstance(networks, list) or not networks or not all(isinstance(entry, dict) for entry in networks):
        raise ArchitectureError("network: expected tables [[network]]")
    products: list[Product] = []
    spread = False
    for entry in networks:
        choices = _Choices.read(_on_top(shared, entry))
        spread = spread or any(choice.scope != "network" for choice in choices.varying)
        products += choices.products()
    return Space(name, " ".join(about.split()), tuple(products), spread)


def _on_top(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            _on_top(old, value) if key in STAGES and isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


@dataclass(frozen=True)
class _Choice:
    """A key with its values, and what it is set for: ``where`` is () the network, (stage,), or (stage, block)."""

    key: str
    values: tuple[Any, ...]
    scope: Literal["network", "stage", "block"]
    where: tuple[int, ...]

    def covers(self, place: Place) -> bool:
        return place[: len(self.where)] == self.where


@dataclass(frozen=True)
class _Axis:
    """One independent decision: a choice for the network, one stage, or one block."""

    choice: _Choice
    where: tuple[int, ...]


@dataclass(frozen=True)
class _Choices:
    """All keys of one network table; the last that covers a place prevails there."""

    network: dict[str, tuple[Any, ...]]
    patterns: tuple[str, ...]
    blocks: tuple[_Choice, ...]

    @property
    def varying(self) -> list[_Choice]:
        return [choice for choice in self.blocks if len(choice.values) > 1]

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> "_Choices":
        network = {key: (value,) for key, value in _DEFAULTS.items()}
        patterns: tuple[str, ...] = ()
        blocks: list[_Choice] = []
        scope = _scope(table.get("per", "network"), SCOPES, "")
        for key, value in table.items():
            if key in NETWORK_KEYS:
                network[key] = _values(key, value)
            elif key == "stages":
                patterns = _values(key, value)
            elif key in STAGES:
                blocks += _read_stage(STAGES.index(key), value)
            elif key != "per":
                blocks.append(_read_choice(key, value, scope, (), ""))
        if patterns and any(choice.key == "layer" for choice in blocks):
            raise ArchitectureError("layer: stages says which layers there are; expected one of the two")
        blocks.sort(key=lambda choice: len(choice.where))
        return cls(network, patterns, tuple(blocks))

    def products(self) -> Iterator[Product]:
        for depth in self.network["depth"]:
            slots = list(self._slots(depth))
            rest = [self.network[key] for key in NETWORK_KEYS[1:]]
            for size, stem, bias, classes in cartesian(*rest):
                for combination in slots:
                    yield Product(depth, size, stem, bias, classes, combination)

    def _prevailing(self, place: Place, key: str) -> _Choice | None:
        found = [choice for choice in self.blocks if choice.key == key and choice.covers(place)]
        return found[-1] if found else None

    def _slots(self, depth: int) -> Iterator[tuple[Slot, ...]]:
        """Yield the slots of each product of one depth: one with all tied choices, or many, given the tied ones."""
        places = [(i, j) for i, n in enumerate(BLOCKS[depth]) for j in range(n)]
        letters = letters_of(self.patterns, depth) if self.patterns else None
        sources = {place: {key: self._prevailing(place, key) for key in ("layer", *BLOCK_KEYS)} for place in places}
        self._refuse_misplaced(places, depth)
        axes = {place: self._axes(place, sources[place]) for place in places}
        everywhere = [axis for axis in _distinct(axes.values()) if axis.where == ()]
        if letters is not None:
            everywhere.append(_Axis(_Choice("stages", self.patterns, "network", ()), ()))
        builder = _Builder(places, sources, axes, letters)
        if all(axis.where == () for of_place in axes.values() for axis in of_place):
            yield (builder.slot(places, everywhere, {}),)
            return
        # choices for stages or blocks: tied ones are given, one product for each of their combinations
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
            raise ArchitectureError(
                f"{names}: more than {MAX_TIED:,} combinations, besides choices for stages or blocks below them; "
                "expected fewer values, or all of them per stage or per block"
            )
        for values in cartesian(*(range(len(axis.choice.values)) for axis in tied)):
            given = dict(zip(tied, values, strict=True))
            yield tuple(
                builder.slot(group, [a for a in _distinct(axes[p] for p in group) if a not in given], given)
                for group in groups
            )

    def _axes(self, place: Place, source: Mapping[str, _Choice | None]) -> list[_Axis]:
        found = []
        for choice in source.values():
            if choice is not None and len(choice.values) > 1:
                reach = {"network": 0, "stage": 1, "block": 2}[choice.scope]
                found.append(_Axis(choice, place[:reach]))
        return found

    def _refuse_misplaced(self, places: list[Place], depth: int) -> None:
        for choice in self.blocks:
            if len(choice.where) == 2 and choice.where not in places:
                name, number = STAGES[choice.where[0]], BLOCKS[depth][choice.where[0]]
                raise ArchitectureError(
                    f"{name}.{choice.where[1] + 1}.{choice.key}: expected a block of {name} from 1 to {number}, "
                    f"for depth {depth}"
                )


def _distinct(axes: Any) -> list[_Axis]:
    return list(dict.fromkeys(axis for of_place in axes for axis in of_place))


@dataclass(frozen=True)
class _Builder:
    """Makes slots: which block stands where, for every combination of the axes' values."""

    places: list[Place]
    sources: dict[Place, dict[str, _Choice | None]]
    axes: dict[Place, list[_Axis]]
    letters: np.ndarray | None

    def slot(self, group: list[Place], axes: list[_Axis], given: Mapping[_Axis, int]) -> Slot:
        """Return the slot of ``group`` over ``axes``, with the ``given`` axes at their values."""
        lengths = [len(axis.choice.values) for axis in axes]
        total = int(np.prod(lengths, dtype=np.int64)) if lengths else 1
        if total > MAX_OPTIONS:
            names = ", ".join(axis.choice.key for axis in axes)
            raise ArchitectureError(f"{names}: {total:,} combinations chosen at once; expected at most {MAX_OPTIONS:,}")
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

    def _letters(self, place: Place, axes: list[_Axis], given: Mapping[_Axis, int]) -> Any:
        """Return by pattern (or for the given one) whether ``place`` holds a lambda layer; None without patterns."""
        if self.letters is None:
            return None
        of_place = self.letters[:, self.places.index(place)]
        for axis, value in given.items():
            if axis.choice.key == "stages":
                return of_place[value : value + 1]
        return of_place

    def _key(self, place: Place, given: Mapping[_Axis, int]) -> Any:
        parts: list[Any] = [place[0]]
        own = {axis.choice: axis for axis in self.axes[place]}
        for choice in self.sources[place].values():
            axis = own.get(choice) if choice is not None else None
            parts.append((id(choice), given.get(axis, axis.where) if axis else None))
        return tuple(parts)

    def _column(self, place: Place, digits: Mapping[_Axis, Any], given: Mapping[_Axis, int], known: Any) -> Any:
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

    def _block(self, place: Place, at: Mapping[_Axis, int], letter: str | None) -> Block:
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
        layer = Lambda(**{_BY_NAME[key].field: value for key, value in values.items() if key != "layer"})
        if WIDTHS[place[0]] % layer.h:
            raise ArchitectureError(
                f"h={layer.h}: expected heads that divide the {WIDTHS[place[0]]} channels of {STAGES[place[0]]}"
            )
        return Block(layer, se)


def _read_stage(stage: int, table: Any) -> Iterator[_Choice]:
    name = STAGES[stage]
    if not isinstance(table, dict):
        raise ArchitectureError(f"{name}={table}: expected a table [{name}]")
    scope = _scope(table.get("per", "stage"), SCOPES[1:], f"{name}.")
    for key, value in table.items():
        if isinstance(value, dict) and key.isascii() and key.isdigit() and int(key) > 0:
            for inner, of_block in value.items():
                yield _read_choice(inner, of_block, "block", (stage, int(key) - 1), f"{name}.{key}.")
        elif key != "per":
            yield _read_choice(key, value, scope, (stage,), f"{name}.")


def _scope(value: Any, allowed: tuple[str, ...], where: str) -> Any:
    if value not in allowed:
        raise ArchitectureError(f'{where}per="{value}": expected one of {", ".join(allowed)}')
    return value


def _read_choice(key: str, value: Any, scope: Any, where: tuple[int, ...], prefix: str) -> _Choice:
    if key != "layer" and key not in BLOCK_KEYS:
        choices = ["layer", *BLOCK_KEYS, "per"]
        if prefix:
            hint = f"; {key} is set for the whole network" if key in (*NETWORK_KEYS, "stages") else ""
        else:
            choices, hint = ["stages", *NETWORK_KEYS, *choices, "about", "network", *STAGES], ""
        raise ArchitectureError(
            f"{prefix}{key}: no such key{nearest(key, choices)}{hint}; expected one of {', '.join(choices)}"
        )
    return _Choice(key, _values(key, value, prefix), scope, where)


def _values(key: str, value: Any, where: str = "") -> tuple[Any, ...]:
    raw = _range(f"{where}{key}", value) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    if not raw:
        raise ArchitectureError(f"{where}{key}=[]: expected at least one value")
    return tuple(dict.fromkeys(_value(key, each, where) for each in raw))


def _value(key: str, value: Any, where: str) -> Any:
    if key == "depth":
        if isinstance(value, bool) or value not in BLOCKS:
            raise ArchitectureError(f"depth={value}: expected one of {', '.join(map(str, BLOCKS))}")
        return value
    if key == "image_size":
        if isinstance(value, bool) or not isinstance(value, int) or value < MIN_IMAGE_SIZE:
            raise ArchitectureError(f"image_size={value}: expected a whole number from {MIN_IMAGE_SIZE}")
        return value
    if key == "layer":
        if value not in ("C", "L"):
            raise ArchitectureError(f"{where}layer={value}: expected C (convolution) or L (lambda layer)")
        return value
    typed = _BY_NAME[key].read_typed(value, where)
    _refuse_alone(key, typed, where)
    return typed


def _refuse_alone(key: str, value: Any, where: str) -> None:
    """Refuse a value that no architecture has, whatever the others are."""
    try:
        if key == "se":
            Block(se=value)
        elif key in BLOCK_KEYS and key not in ("content", "position"):
            Lambda(**{_BY_NAME[key].field: value})
        elif key == "stem" and value not in STEMS:
            raise ArchitectureError(f"stem={value}: expected one of {', '.join(STEMS)}")
        elif key == "classes" and value < 1:
            raise ArchitectureError(f"classes={value}: expected a whole number from 1")
    except ArchitectureError as error:
        raise ArchitectureError(f"{where}{error}") from None


def _range(name: str, table: Mapping[str, Any]) -> list[Any]:
    """Return the values of ``{ from, to, step }`` or ``{ from, to, times }``."""
    unknown = [key for key in table if key not in ("from", "to", "step", "times")]
    if unknown:
        known = ("from", "to", "step", "times")
        raise ArchitectureError(
            f"{name}.{unknown[0]}: no such key{nearest(unknown[0], known)}; expected {', '.join(known)}"
        )
    numbers = {key: value for key, value in table.items() if isinstance(value, (int, float)) and value is not True}
    if "from" not in numbers or "to" not in numbers or ("step" in numbers) == ("times" in numbers):
        raise ArchitectureError(f"{name}: expected a range such as {{ from = 4, to = 32, times = 2 }} or with step = 4")
    low, high = numbers["from"], numbers["to"]
    step, times = numbers.get("step", 0), numbers.get("times", 1)
    if high < low:
        raise ArchitectureError(f"{name}: the range from {low} to {high} is empty; expected to >= from")
    if ("step" in numbers and step <= 0) or ("times" in numbers and (times <= 1 or low <= 0)):
        raise ArchitectureError(f"{name}: expected step > 0, or times > 1 and from > 0")
    values = [low]
    while len(values) < 10_000 and (after := values[-1] * times + step) <= high + 1e-9:
        values.append(round(after, 9) if isinstance(after, float) else after)
    return values
