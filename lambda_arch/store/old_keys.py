"""The sixth migration: keys become digests of named fields instead of lists and Python's ``repr``.

This module must not follow later changes of the package, because it writes stores of version 6.
"""

import ast
import hashlib
import json
import re
import sqlite3
from typing import Any

SCRIPT = """
    ALTER TABLE measurement RENAME COLUMN cell TO "key";
    ALTER TABLE measurement RENAME COLUMN turns TO session;
    DROP INDEX measurement_cell;
    CREATE INDEX measurement_key ON measurement ("key");
    CREATE INDEX measurement_session ON measurement (session);
    ALTER TABLE ceiling RENAME TO peak;
    DROP INDEX ceiling_of;
    CREATE INDEX peak_of ON peak (fingerprint, kind, threads);
    ALTER TABLE part RENAME COLUMN part TO "key";
"""
FLAGS = ("compile", "graph")
SETTINGS = (
    *("device", "batch", "dtype", "cast", "memory_format", "mode", "compile", "graph", "threads", "clock"),
    "evaluation",
)
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Convolution": ("C", {}),
    "Lambda": (
        "L",
        {"k": 16, "h": 4, "u": 1, "m": 23, "content": True, "position": True, "bias": False}
        | {"key_norm": "softmax", "query_softmax": False, "batch_norm": True},
    ),
    "GlobalAttention": ("G", {"heads": 8}),
    "AxialAttention": ("X", {"heads": 8}),
    "LocalAttention": ("S", {"heads": 8, "extent": 7}),
    "AugmentedConvolution": ("A", {"heads": 8, "kappa": 0.2, "upsilon": 0.1, "downsample": False}),
    "DoubleAttention": ("D", {"reduction": 2}),
}
"""The letter of each layer, and its settings' defaults, which keys leave out."""
DIMS = {"c2": (64, 256), "c3": (256, 512), "c4": (512, 1024), "c5": (1024, 2048)}


def name_the_fields_of_keys(connection: sqlite3.Connection) -> None:
    """Give every row a key of its named fields; a row whose old key cannot be read keeps it."""
    for statement in filter(str.strip, SCRIPT.split(";")):
        connection.execute(statement)
    for row in connection.execute("SELECT * FROM measurement").fetchall():
        connection.execute('UPDATE measurement SET "key" = ? WHERE uid = ?', (_case_key(row), row["uid"]))
    for row in connection.execute('SELECT DISTINCT "key" FROM part').fetchall():
        connection.execute('UPDATE part SET "key" = ? WHERE "key" = ?', (part_key(row["key"]), row["key"]))
    for row in connection.execute("SELECT uid, fingerprint, layer FROM choice").fetchall():
        layer = json.loads(row["layer"])
        layer["global_scope"] = layer.pop("everywhere", False)
        uid = _digest({"version": 1, "fingerprint": row["fingerprint"], "layer": layer})
        changed = (uid, json.dumps(layer, sort_keys=True), row["uid"])
        connection.execute("UPDATE choice SET uid = ?, layer = ? WHERE uid = ?", changed)


def _case_key(row: sqlite3.Row) -> str:
    setup = {name: bool(row[name]) if name in FLAGS else row[name] for name in SETTINGS}
    if setup["evaluation"] == "canonical":
        del setup["evaluation"]
    names = {"architecture": row["architecture"], "setup": setup, "fingerprint": row["fingerprint"]}
    return _digest({"version": 1, **names})


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def part_key(identity: str) -> str:
    """Return the new key of a part, from an old one such as ``c4.first Block(layer=Lambda(k=8, ...), se=0.0) @28``."""
    found = re.fullmatch(r"(\w+)(\.first)? (.*) @(\d+)", identity)
    if not found:
        return identity
    place, first, value, size = found.groups()
    strides = bool(first) and place != "c2"
    key = {"version": 1, "place": place, "first": bool(first), "size": int(size), "stride": 1, "pool": None}
    if place == "stem":
        kind = {} if value == "7x7" else {"kind": value}
        key |= {"settings": {"type": "stem", **kind}, "dim": 3, "dim_out": 64, "stride": 4}
    elif place == "head":
        key |= {"settings": {"type": "head", "classes": int(value)}, "dim": 2048, "dim_out": int(value)}
    else:
        try:
            block = _block(value)
        except (SyntaxError, ValueError, KeyError):
            return identity
        dim, dim_out = DIMS[place]
        key |= {"dim": dim if first else dim_out, "dim_out": dim_out, "stride": 2 if strides else 1}
        key |= {"settings": {"type": "bottleneck", "block": block}}
        key |= {"pool": "3x3"} if strides and block.get("layer", {}).get("type") == "L" else {}
    return json.dumps(key, sort_keys=True)


def _block(text: str) -> dict[str, Any]:
    """Return the fields of a block from its ``repr``, without settings at their defaults."""
    call = ast.parse(text, mode="eval").body
    if not (isinstance(call, ast.Call) and [word.arg for word in call.keywords] == ["layer", "se"]):
        raise ValueError(text)
    layer, se = (word.value for word in call.keywords)
    if not (isinstance(layer, ast.Call) and isinstance(layer.func, ast.Name)):
        raise ValueError(text)
    letter, defaults = LAYERS[layer.func.id]
    settings = {str(word.arg): ast.literal_eval(word.value) for word in layer.keywords}
    changed = {name: value for name, value in settings.items() if value != defaults[name]}
    found: dict[str, Any] = {"type": "block"}
    found |= {} if letter == "C" else {"layer": {"type": letter, **changed}}
    return found | ({"se": ratio} if (ratio := float(ast.literal_eval(se))) else {})
