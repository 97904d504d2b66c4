"""The table of evaluations: the values of a search's metrics for whole networks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest, now

VERSION = 1
"""Version of the key's fields."""


def keep_evaluation(store: Store, about: Mapping[str, Any], architecture: str, values: Sequence[float]) -> None:
    """Store the values of an architecture; ``about`` is all that they depend on, as JSON values."""
    search = _key(about)
    row = {"uid": digest({"search": search, "architecture": architecture}), "search": search, "about": dict(about)}
    row |= {"architecture": architecture, "figures": json.dumps([*values]), "started": now()}
    store.insert("evaluation", row, known="REPLACE")


def read_evaluations(store: Store, about: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the values of every architecture that was evaluated so."""
    rows = store.sound_rows("SELECT * FROM evaluation WHERE search = ?", [_key(about)])
    return {row["architecture"]: json.loads(row["figures"]) for row in rows}


def _key(about: Mapping[str, Any]) -> str:
    return digest({"version": VERSION, **about})
