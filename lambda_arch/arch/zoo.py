"""The named architectures: data in zoo.toml, besides the base names of every depth."""

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
    """Yield the base names of every family and the zoo's, each with its source."""
    for family in FAMILIES:
        for name, source in family.names.items():
            yield Entry(name, str(family.base(name)), source)
    yield from zoo_entries().values()
