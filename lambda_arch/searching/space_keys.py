"""The keys of a space's table: which there are, and their values, lists and ranges."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lambda_arch.arch import BLOCKS, OPTIONS, STAGES, ArchitectureError, Block, Lambda, did_you_mean
from lambda_arch.arch.resnet_tables import MIN_IMAGE_SIZE, STEMS
from lambda_arch.searching.search_space import Place

BY_NAME = {option.name: option for option in OPTIONS}
NETWORK_KEYS = ("depth", "image_size", "stem", "shortcut_bias", "classes")
BLOCK_KEYS = tuple(option.name for option in OPTIONS if option.level in ("lambda", "block"))
SCOPES = ("network", "stage", "block")


@dataclass(frozen=True)
class Choice:
    """A key with its values, and what it is set for: ``where`` is () the network, (stage,), or (stage, block)."""

    key: str
    values: tuple[Any, ...]
    scope: Literal["network", "stage", "block"]
    where: tuple[int, ...]

    def covers(self, place: Place) -> bool:
        """Return whether it is set for a block."""
        return place[: len(self.where)] == self.where


def read_stage(stage: int, table: Any) -> Iterator[Choice]:
    """Yield the choices of a stage's table, and of the tables of its blocks in it."""
    name = STAGES[stage]
    if not isinstance(table, dict):
        raise ArchitectureError(f"{name}={table}: expected a table [{name}]")
    scope = read_scope(table.get("per", "stage"), SCOPES[1:], f"{name}.")
    for key, value in table.items():
        if isinstance(value, dict) and key.isascii() and key.isdigit() and int(key) > 0:
            for inner, of_block in value.items():
                yield read_choice(inner, of_block, "block", (stage, int(key) - 1), f"{name}.{key}.")
        elif key != "per":
            yield read_choice(key, value, scope, (stage,), f"{name}.")


def read_scope(value: Any, allowed: tuple[str, ...], where: str) -> Any:
    """Return what the lists of a table are chosen for, one of ``allowed``."""
    if value not in allowed:
        raise ArchitectureError(f'{where}per="{value}": expected one of {", ".join(allowed)}')
    return value


def read_choice(key: str, value: Any, scope: Any, where: tuple[int, ...], prefix: str) -> Choice:
    """Return the choice of a block's key; ``prefix`` is how its place is written, such as ``c4.``."""
    if key != "layer" and key not in BLOCK_KEYS:
        choices = ["layer", *BLOCK_KEYS, "per"]
        if prefix:
            hint = f"; {key} is set for the whole network" if key in (*NETWORK_KEYS, "stages") else ""
        else:
            choices, hint = ["stages", *NETWORK_KEYS, *choices, "about", "network", *STAGES], ""
        raise ArchitectureError(
            f"{prefix}{key}: no such key{did_you_mean(key, choices)}{hint}; expected one of {', '.join(choices)}"
        )
    return Choice(key, read_values(key, value, prefix), scope, where)


def read_values(key: str, value: Any, where: str = "") -> tuple[Any, ...]:
    """Return the distinct values of a key: of a value, a list, or a range."""
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
    typed = BY_NAME[key].read_typed(value, where)
    _refuse_alone(key, typed, where)
    return typed


def _refuse_alone(key: str, value: Any, where: str) -> None:
    """Refuse a value that no architecture has, whatever the others are."""
    try:
        if key == "se":
            Block(se=value)
        elif key in BLOCK_KEYS and key not in ("content", "position"):
            Lambda(**{BY_NAME[key].field: value})
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
            f"{name}.{unknown[0]}: no such key{did_you_mean(unknown[0], known)}; expected {', '.join(known)}"
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
