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
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from lambda_arch.arch import STAGES, ArchitectureError, did_you_mean
from lambda_arch.searching.search_space import Product, Space
from lambda_arch.searching.space_products import Choices

BUILT_IN = ("ablation", "scaling", "stages", "blocks")


def read_space(name: str) -> Space:
    """Return a built-in space by name, or the space of a TOML file.

    Raises :class:`ArchitectureError` naming the key of what is wrong, and OSError for a file that cannot be read.
    """
    if name in BUILT_IN:
        return built_in(name)
    if not name.endswith(".toml"):
        hint = did_you_mean(name, BUILT_IN)
        raise ArchitectureError(f"{name}: no such space{hint}; expected one of {', '.join(BUILT_IN)}, or a .toml file")
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
    text = files("lambda_arch.searching").joinpath("spaces", f"{name}.toml").read_text("utf-8")
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
        choices = Choices.read(_on_top(shared, entry))
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
