"""The table of parts: calibrated latencies of single stems, blocks and heads, as they occur inside networks.

A part's key is the JSON text of its named fields, so that people can read it. It leaves out settings at their defaults,
so that a new setting changes no key.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from lambda_arch.arch import Part
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest, new_uid, now
from lambda_arch.store.setup import Setup
from lambda_arch.store.statistics import Summary, summarize
from lambda_arch.store.warnings import quality_warnings

VERSION = 1
"""Version of the key's fields."""
WITHOUT_EFFECT = ("shortcut_bias",)
"""Settings without measurable effect on latency."""


def part_key(part: Part) -> str:
    """Return the key of a part's latency, which holds all of the network that the latency depends on."""
    key = {
        "version": VERSION,
        "place": _place(part),
        "first": part.first,
        "settings": _named(part.settings),
        "dim": part.dim,
        "dim_out": part.dim_out,
        "size": part.size,
        "stride": part.stride,
        "pool": _pool(part),
    }
    return json.dumps(key, sort_keys=True)


def describe_part(part: Part) -> str:
    """Return a readable name of a part, with the settings that are not defaults: ``c4.first L k=8,m=7 @28``."""
    words = list(_words(part.settings))
    words += ["stride=1"] if part.first and part.stage and part.stride == 1 else []
    words += [f"pool={_pool(part)}"] if part.shape and _pool(part) != ("3x3" if part.stride > 1 else None) else []
    settings = ",".join(word for word in words if "=" in word)
    place = f"{_place(part)}{'.first' if part.first else ''}"
    return " ".join(filter(None, [place, *(word for word in words if "=" not in word), settings, f"@{part.size}"]))


def _place(part: Part) -> str:
    return part.path.partition(".")[0]


def _pool(part: Part) -> str | None:
    """Return the kernel of the pool after a part's lambda layer, or None."""
    return None if part.pool is None or part.shape is None else "2x2" if part.pool == "2x2" else "3x3"


def _changed(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not at their defaults."""
    found = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
    return {name: is_ for name, (is_, default) in found.items() if is_ != default and name not in WITHOUT_EFFECT}


def _named(value: Any) -> Any:
    if not is_dataclass(value):
        return value
    kind = getattr(value, "letter", type(value).__name__.lower())
    return {"type": kind, **{name: _named(each) for name, each in _changed(value).items()}}


def _words(value: Any) -> Iterator[str]:
    """Yield the letter of a layer (else the first field of ``value``), and the other fields that are not defaults."""
    if not is_dataclass(value):
        yield str(value)
        return
    first = None if hasattr(value, "letter") else next((each.name for each in fields(value)), None)
    if first is not None:
        yield from _words(getattr(value, first))
    elif hasattr(value, "letter"):
        yield value.letter
    for name, each in _changed(value).items():
        if name != first:
            yield f"{name}={'yes' if each is True else 'no' if each is False else each}"


PART_SPREAD = 0.1
"""The interquartile range, as a share of the median, from which a part is noisy unless another was asked for.

Parts take a fraction of a step: their spread is wider than that of the sum.
"""


@dataclass(frozen=True)
class PartLatency:
    """The stored latency of a part, in seconds per step. ``limits``: when its measurement was to end."""

    summary: Summary
    limits: Mapping[str, Any]
    loaded: Mapping[str, Any]
    readings: Sequence[Mapping[str, Any]]

    def warnings(self, spread: float | None = None) -> list[str]:
        """Return what makes it less than certain; ``spread`` is the one wanted, unless given what was then."""
        wanted = self.limits.get("spread", PART_SPREAD) if spread is None else spread
        return quality_warnings(self.summary, wanted, self.loaded, self.readings)


def keep_parts(
    store: Store,
    fingerprint: str,
    setup: Setup,
    host: str,
    samples: Mapping[str, Sequence[float]],
    *,
    limits: Mapping[str, Any] | None = None,
    loaded: Mapping[str, Any] | None = None,
    readings: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Store the samples (seconds per step) of parts, by key, as measured inside the network ``host``.

    ``limits``, ``loaded`` and ``readings`` (of the rounds) are those of the host, as in the table of measurements.
    """
    with store.transaction():
        for key, seconds in samples.items():
            summary = summarize(seconds)
            row = {
                "uid": new_uid(),
                "fingerprint": fingerprint,
                "setup": digest(setup.identity),
                "key": key,
                "seconds": summary.median,
                "q1": summary.q1,
                "q3": summary.q3,
                "samples": [round(value, 9) for value in seconds],
                "host": host,
                "started": now(),
                "limits": dict(limits or {}),
                "loaded": dict(loaded or {}),
                "readings": list(readings),
                "node": store.node,
            }
            store.insert("part", row)


def read_parts(store: Store, fingerprint: str, setup: Setup) -> dict[str, PartLatency]:
    """Return the newest latency of each part, by key."""
    rows = store.sound_rows(
        "SELECT * FROM part WHERE fingerprint = ? AND setup = ? ORDER BY started",
        [fingerprint, digest(setup.identity)],
    )
    return {row["key"]: _read(row) for row in rows}


def part_uids(store: Store, fingerprint: str, setup: Setup, keys: Collection[str]) -> list[str]:
    """Return the uids of all latencies of the parts with these keys."""
    rows = store.rows(
        "SELECT uid FROM part WHERE fingerprint = ? AND setup = ? AND key IN (SELECT value FROM json_each(?))",
        [fingerprint, digest(setup.identity), json.dumps(sorted(keys))],
    )
    return [row["uid"] for row in rows]


def _read(row: Mapping[str, Any]) -> PartLatency:
    limits, loaded, readings, samples = (json.loads(row[name]) for name in ("limits", "loaded", "readings", "samples"))
    return PartLatency(Summary(row["seconds"], row["q1"], row["q3"], len(samples)), limits, loaded, readings)
