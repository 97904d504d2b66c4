"""The table of choices: the fastest evaluation of a lambda layer, among those that were measured."""

import json
from collections.abc import Mapping
from typing import Any

from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest, now

VERSION = 1
"""Of the fields that a key is made of."""


def choice_key(fingerprint: str, layer: Mapping[str, Any]) -> str:
    """Return the key of the choice for ``layer``: all that it depends on besides the machine."""
    return digest({"version": VERSION, "fingerprint": fingerprint, "layer": layer})


def keep_choice(
    store: Store, fingerprint: str, layer: Mapping[str, Any], evaluation: str, seconds: Mapping[str, float]
) -> None:
    """Store the fastest ``evaluation`` and the ``seconds`` of every one, in the place of an earlier choice."""
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
    """Return the fastest evaluation, or None where none was measured."""
    rows = store.sound_rows("SELECT * FROM choice WHERE uid = ?", [choice_key(fingerprint, layer)])
    return str(rows[0]["evaluation"]) if rows else None
