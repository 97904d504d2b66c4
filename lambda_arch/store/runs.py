"""The table of runs: architectures trained here, by which recipe, on what data, and the figures of every epoch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest

VERSION = 1
"""Version of the key's fields."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is kept. ``settings``: of its recipe, overrides included; ``session``: how it was carried out.

    ``digest`` is of the data, ``epochs`` the figures of each, ``fingerprint`` that of the machine, ``node`` its name in
    a cluster.
    """

    architecture: str
    recipe: str
    settings: Mapping[str, Any]
    data: str
    digest: str
    seed: int
    session: Mapping[str, Any]
    fingerprint: str
    started: str
    status: str
    epochs: Sequence[Mapping[str, Any]]
    folder: str
    node: str = ""

    @property
    def uid(self) -> str:
        """The key: the same for a run that is continued or repeated on the same machine."""
        names = ("architecture", "settings", "digest", "seed", "session", "fingerprint")
        return digest({"version": VERSION, **{name: getattr(self, name) for name in names}})


def keep_run(store: Store, run: Run) -> None:
    """Store a run in the place of an earlier state of it; the machine has to be there."""
    store.insert("run", {"uid": run.uid, **asdict(run), "node": store.node or run.node}, known="REPLACE")


def read_runs(store: Store) -> list[Run]:
    """Return all runs, the first begun first."""
    rows = store.sound_rows("SELECT * FROM run ORDER BY started, rowid")
    for row in rows:
        del row["uid"], row["checksum"]
        row |= {name: json.loads(row[name]) for name in ("settings", "session", "epochs")}
    return [Run(**row) for row in rows]
