"""The keys of a space's table, with their values, lists and ranges."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from lambda_arch.arch import BLOCKS, LAYERS, OPTIONS, STAGES, Block, Lambda, ResNet
from lambda_arch.arch.options import BY_NAME
from lambda_arch.arch.ranges import read_range
from lambda_arch.errors import ArchitectureError, DataError, did_you_mean
from lambda_arch.searching.search_space import Place

_FIRST = ("depth", "image_size")
NETWORK_KEYS = (*_FIRST, *(each.name for each in fields(ResNet) if each.name not in (*_FIRST, "stages")))
SCOPES = ("network", "stage", "block")


def block_keys() -> tuple[str, ...]:
    """Return the names of the options of lambda layers and blocks, including those of extensions."""
    return tuple(option.name for option in OPTIONS if option.level in ("lambda", "block"))


def lambda_layer(settings: Mapping[str, Any]) -> Lambda:
    """Return the lambda layer of options by name."""
    kind: Any = LAYERS["L"]
    layer: Lambda = kind(**{BY_NAME[key].field: value for key, value in settings.items()})
    return layer


@dataclass(frozen=True)
class Choice:
    """A key with its values, and where it is set: ``where`` is () for the network, (stage,), or (stage, block)."""

    key: str
    values: tuple[Any, ...]
    scope: Literal["network", "stage", "block"]
    where: tuple[int, ...]

    def covers(self, place: Place) -> bool:
        """Return whether it is set for a block."""
        return place[: len(self.where)] == self.where


def read_stage(stage: int, table: Any) -> Iterator[Choice]:
    """Yield the choices of a stage's table and of the tables of its blocks."""
    name = STAGES[stage]
    if not isinstance(table, dict):
        raise DataError(f"{name}={table}: expected a table [{name}]")
    scope = read_scope(table.get("per", "stage"), SCOPES[1:], f"{name}.")
    for key, value in table.items():
        if isinstance(value, dict) and key.isascii() and key.isdigit() and int(key) > 0:
            for inner, of_block in value.items():
                yield read_choice(inner, of_block, "block", (stage, int(key) - 1), f"{name}.{key}.")
        elif key != "per":
            yield read_choice(key, value, scope, (stage,), f"{name}.")


def read_scope(value: Any, allowed: tuple[str, ...], where: str) -> Any:
    """Return the scope for which the lists of a table are chosen, one of ``allowed``."""
    if value not in allowed:
        raise DataError(f'{where}per="{value}": expected one of {", ".join(allowed)}')
    return value


def read_choice(key: str, value: Any, scope: Any, where: tuple[int, ...], prefix: str) -> Choice:
    """Return the choice of a block's key; ``prefix`` is its place as written, such as ``c4.``."""
    if key != "layer" and key not in block_keys():
        choices = ["layer", *block_keys(), "per"]
        if prefix:
            hint = f"; {key} is set for the whole network" if key in (*NETWORK_KEYS, "stages") else ""
        else:
            choices, hint = ["stages", *NETWORK_KEYS, *choices, "about", "network", *STAGES], ""
        raise DataError(
            f"{prefix}{key}: no such key{did_you_mean(key, choices)}{hint}; expected one of {', '.join(choices)}"
        )
    return Choice(key, read_values(key, value, prefix), scope, where)


def read_values(key: str, value: Any, where: str = "") -> tuple[Any, ...]:
    """Return the distinct typed values of a key: of a value, a list, or a range."""
    return tuple(dict.fromkeys(_value(key, each, where) for each in read_list(key, value, where)))


def read_list(key: str, value: Any, where: str = "") -> list[Any]:
    """Return the values of a value, a list, or a range, as written."""
    raw = (
        read_range(f"{where}{key}", value) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    )
    if not raw:
        raise DataError(f"{where}{key}=[]: expected at least one value")
    nested = next((each for each in raw if isinstance(each, (list, dict))), None)
    if nested is not None:
        raise DataError(f"{where}{key}={nested}: expected a number, a text or true or false in a list")
    return raw


def _value(key: str, value: Any, where: str) -> Any:
    """Return a typed value; refuse one that is invalid whatever the other settings are."""
    if key == "layer":
        if value not in ("C", "L"):
            raise DataError(f"{where}layer={value}: expected C (convolution) or L (lambda layer)")
        return value
    typed: Any = BY_NAME[key].read_typed(value, where) if key in BY_NAME else value
    try:
        if key == "se":
            Block(se=typed)
        elif key in NETWORK_KEYS:
            lambda_network(**{key: typed})
        elif key in block_keys() and key not in ("content", "position"):
            lambda_layer({key: typed})
    except ArchitectureError as error:
        raise DataError(f"{where}{error}") from None
    return typed


def lambda_network(*, depth: int = 50, **settings: Any) -> ResNet:
    """Return the network of ``settings`` with a lambda layer in every block."""
    return ResNet(depth, tuple((Block(lambda_layer({})),) * n for n in BLOCKS.get(depth, ())), **settings)
