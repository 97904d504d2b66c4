"""The table of parts: calibrated latencies of single stems, blocks and heads, as they occur inside networks.

A part's key is the JSON text of its named fields, so that it can be read; what is at its default is left out, as in
the names of architectures.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from lambda_arch.arch import EXPANSION, STAGES, WIDTHS, Block, Lambda
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest, new_uid, now
from lambda_arch.store.setup import Setup
from lambda_arch.store.statistics import Summary, summarize

VERSION = 1
"""Of the fields that a key is made of."""


def block_key(stage: int, first: bool, block: Block, size: int) -> str:
    """Return the key of a block whose input map has side ``size``; ``stage`` counts from 0."""
    dim_out = EXPANSION * WIDTHS[stage]
    dim_in = dim_out // 2 if stage else WIDTHS[0]
    stride = 2 if first and stage else 1
    key = {"part": "block", "stage": STAGES[stage], "first": first, "layer": _layer(block), "size": size}
    key |= {"dim": dim_in if first else dim_out, "dim_out": dim_out, "stride": stride}
    key |= {"pool": "3x3"} if stride > 1 and isinstance(block.layer, Lambda) else {}
    return _text(key | ({"se": block.se} if block.se else {}))


def stem_key(stem: str, image_size: int) -> str:
    """Return the key of a stem for images of ``image_size``."""
    return _text({"part": "stem", "stem": stem, "size": image_size})


def head_key(classes: int, size: int) -> str:
    """Return the key of a head whose input map has side ``size``."""
    return _text({"part": "head", "classes": classes, "dim": EXPANSION * WIDTHS[-1], "size": size})


def describe_part(key: str) -> str:
    """Write a part for a person: ``c4.first L k=8,m=7 @28``, with what differs from the defaults."""
    try:
        part = json.loads(key)
    except ValueError:  # of a store's row that could not be migrated
        return key
    if part["part"] != "block":
        return f"{part['part']} {part.get('stem') or part['classes']} @{part['size']}"
    layer = dict(part["layer"])
    kind = layer.pop("kind")
    settings = layer | ({"se": part["se"]} if "se" in part else {})
    words = [
        f"{part['stage']}{'.first' if part['first'] else ''}",
        kind,
        ",".join(f"{name}={value}" for name, value in settings.items()),
        f"@{part['size']}",
    ]
    return " ".join(word for word in words if word)


def keep_parts(store: Store, fingerprint: str, setup: Setup, host: str, samples: Mapping[str, Sequence[float]]) -> None:
    """Store the samples (seconds per step) of parts, by key, as measured inside the network ``host``."""
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
            }
            store.insert("part", row)


def read_parts(store: Store, fingerprint: str, setup: Setup) -> dict[str, Summary]:
    """Return the latency of each part by key; of those measured more than once the newest."""
    rows = store.rows(
        'SELECT "key", seconds, q1, q3, json_array_length(samples) AS number FROM part '
        "WHERE fingerprint = ? AND setup = ? ORDER BY started",
        [fingerprint, digest(setup.identity)],
    )
    return {row["key"]: Summary(row["seconds"], row["q1"], row["q3"], row["number"]) for row in rows}


def _layer(block: Block) -> dict[str, Any]:
    plain = type(block.layer)()
    settings = {each.name: getattr(block.layer, each.name) for each in fields(plain)}
    changed = {name: value for name, value in settings.items() if value != getattr(plain, name)}
    return {"kind": block.layer.letter, **changed}


def _text(key: dict[str, Any]) -> str:
    return json.dumps({"version": VERSION, **key}, sort_keys=True)
