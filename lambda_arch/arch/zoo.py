"""The named architectures: those in zoo.toml, and the base names of every family."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lambda_arch.arch.registry import FAMILIES


@dataclass(frozen=True)
class Entry:
    """A named architecture: its name, its canonical string and where it comes from."""

    name: str
    canonical: str
    source: str


@cache
def zoo_entries() -> dict[str, Entry]:
    """Return the zoo's entries by name, in the order of the file."""
    text = files("lambda_arch.arch").joinpath("zoo.toml").read_text("utf-8")
    return {
        entry["name"]: Entry(entry["name"], entry["architecture"], entry["source"])
        for entry in tomllib.loads(text)["entry"]
    }


def all_named() -> Iterator[Entry]:
    """Yield an entry for every base name of a family and every name in the zoo."""
    for family in FAMILIES:
        for name, source in family.names.items():
            yield Entry(name, str(family.base(name)), source)
    yield from zoo_entries().values()
