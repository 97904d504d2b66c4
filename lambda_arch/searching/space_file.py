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

Or options of any base, of any family, for the whole network, counted one architecture at a time:

base = "lambda_mobilenet"
layers = ["CCCCCCL-----C-", "CCCCCCLLLLLLLL"]
k = [4, 8]
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import product as cartesian
from math import prod
from pathlib import Path
from typing import Any

from lambda_arch.arch import STAGES, configure, parse, read_setting
from lambda_arch.errors import ArchitectureError, DataError, did_you_mean
from lambda_arch.searching.built_in_spaces import BUILT_IN
from lambda_arch.searching.search_space import Listing, Product, Space
from lambda_arch.searching.space_keys import read_list
from lambda_arch.searching.space_products import Choices

MAX_LISTED = 20_000
"""The maximum size of a listing, whose architectures are counted one by one."""


def read_space(name: str) -> Space:
    """Return a built-in space by name, or the space of a TOML file.

    Raises :class:`DataError` with the key of the mistake, and OSError for a file that cannot be read.
    """
    if name in BUILT_IN:
        return built_in(name)
    if not name.endswith(".toml"):
        hint = did_you_mean(name, BUILT_IN)
        raise DataError(f"{name}: no such space{hint}; expected one of {', '.join(BUILT_IN)}, or a .toml file")
    path = Path(name)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise DataError(f"{name}: expected a TOML file, text in UTF-8") from None
    except (ValueError, RecursionError) as error:  # invalid TOML, too long a number, too deep a nesting
        raise DataError(f"{name}: {error}; expected TOML such as k = [8, 16]") from None
    try:
        return space_of(table, path.stem)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


@cache
def built_in(name: str) -> Space:
    """Return the built-in space ``name``."""
    text = files("lambda_arch.searching").joinpath("spaces", f"{name}.toml").read_text("utf-8")
    return space_of(tomllib.loads(text), name)


def space_of(table: Mapping[str, Any], name: str) -> Space:
    """Return the space of a parsed table; raises :class:`DataError` naming the mistake."""
    shared = {key: value for key, value in table.items() if key not in ("network", "about")}
    about = table.get("about", "")
    networks = table.get("network", [{}])
    if not isinstance(about, str):
        raise DataError(f"about={about}: expected a text")
    if not isinstance(networks, list) or not networks or not all(isinstance(entry, dict) for entry in networks):
        raise DataError("network: expected tables [[network]]")
    products: list[Product | Listing] = []
    try:
        for entry in networks:
            whole = _on_top(shared, entry)
            products += [_listing(whole)] if "base" in whole else Choices.read(whole).products()
    except ArchitectureError as error:
        raise DataError(str(error)) from None
    return Space(name, " ".join(about.split()), tuple(products))


def _listing(table: Mapping[str, Any]) -> Listing:
    """Return every combination of the options of a table on top of its base."""
    if not isinstance(table["base"], str):
        raise DataError(f"base={table['base']}: expected a name, such as lambda_mobilenet")
    base = parse(table["base"])
    keys = [key for key in table if key != "base"]
    values = [read_list(key, table[key]) for key in keys]
    if prod(map(len, values)) > MAX_LISTED:
        raise DataError(f"{', '.join(keys)}: {prod(map(len, values)):,} combinations; expected at most {MAX_LISTED:,}")
    found = []
    for combination in cartesian(*values):
        given = dict(zip(keys, combination, strict=True))
        size = given.pop("image_size", None)
        found.append(configure(base, [read_setting(key, value, typed=True) for key, value in given.items()], size))
    return Listing(tuple(dict.fromkeys(found)))


def _on_top(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            _on_top(old, value) if key in STAGES and isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged
