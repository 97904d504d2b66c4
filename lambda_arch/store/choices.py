"""The table of choices: the fastest measured evaluation of a lambda layer."""

import json
from collections.abc import Mapping
from typing import Any

from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest, now

VERSION = 1
"""Version of the key's fields."""


def choice_key(fingerprint: str, layer: Mapping[str, Any]) -> str:
    """Return the key of the choice for ``layer``, which holds all that it depends on apart from the machine."""
    return digest({"version": VERSION, "fingerprint": fingerprint, "layer": layer})


def keep_choice(
    store: Store, fingerprint: str, layer: Mapping[str, Any], evaluation: str, seconds: Mapping[str, float]
) -> None:
    """Store the fastest ``evaluation`` and the ``seconds`` of every one measured; replaces an earlier choice."""
    row = {
        "uid": choice_key(fingerprint, layer),
        "fingerprint": fingerprint,
        "layer": json.dumps(layer, sort_keys=True),
        "evaluation": evaluation,
        "seconds": dict(seconds),
        "started": now(),
    }
    store.insert("choice", row, known="REPLACE")


def read_choice(store: Store, fingerprint: str, layer: Mapping[str, Any]) -> str | None:
    """Return the fastest evaluation, or None if none was measured."""
    row = _row(store, fingerprint, layer)
    return str(row["evaluation"]) if row else None


def read_seconds(store: Store, fingerprint: str, layer: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds of everything that was measured for the choice, none if nothing was."""
    row = _row(store, fingerprint, layer)
    return dict(json.loads(row["seconds"])) if row else {}


def _row(store: Store, fingerprint: str, layer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the row of what was measured, if it is there and sound."""
    rows = store.sound_rows("SELECT * FROM choice WHERE uid = ?", [choice_key(fingerprint, layer)])
    return rows[0] if rows else None
