"""Counts of networks that were run, kept in the user's cache folder by all that they depend on."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lambda_arch.arch import Architecture, extension_modules
from lambda_arch.costs.counted import Counted
from lambda_arch.costs.ledger import Ledger, Row
from lambda_arch.files import atomic_write

PACKAGE = Path(__file__).parents[1]
CODE = (
    "arch",
    "nn",
    *(
        f"costs/{name}.py"
        for name in ("counted", "fvcore_counter", "ledger", "network_rows", "onnx_counter", "torch_counter")
    ),
)
"""The folders and files of the package on which the counts depend; the closed form is not among them."""


def folder() -> Path:
    """Return the folder of kept counts."""
    from platformdirs import user_cache_path

    return user_cache_path("lambda-arch", appauthor=False) / "counts"


def versions(onnx: bool = False) -> dict[str, str]:
    """Return the versions of what counts, ONNX's graph too or not."""
    return {name: version(name) for name in ("torch", "fvcore", *(("onnx", "onnxscript") if onnx else ()))}


def read_counts(architecture: Architecture, onnx: bool = False) -> tuple[Counted, ...] | None:
    """Return what the counters found for ``architecture`` before, by the same code and versions; None if nothing."""
    if extension_modules():  # their code is not in the key
        return None
    try:
        found = json.loads(_path(architecture, onnx).read_bytes())
        return counts_of(found["counts"]) if found["architecture"] == str(architecture) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):  # none, or a damaged file
        return None


def keep_counts(architecture: Architecture, counts: Sequence[Counted], onnx: bool = False) -> None:
    """Keep what the counters found, where the folder can be written to."""
    if extension_modules():
        return
    path = _path(architecture, onnx)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps({"architecture": str(architecture), "counts": plain(counts)}))


def plain(counts: Sequence[Counted]) -> list[Any]:
    """Return counts as lists and dictionaries."""
    return [
        {
            "name": each.name,
            "architecture": each.ledger.architecture,
            "image_size": each.ledger.image_size,
            "rows": [list(row) for row in each.ledger.rows],
            "zero": each.zero,
            "macs": each.macs,
        }
        for each in counts
    ]


def counts_of(found: Sequence[Any]) -> tuple[Counted, ...]:
    """Return the counts that :func:`plain` wrote; raises ValueError, TypeError or KeyError for anything else."""
    return tuple(
        Counted(
            str(each["name"]),
            Ledger(str(each["architecture"]), int(each["image_size"]), tuple(map(_row, each["rows"]))),
            {str(name): int(number) for name, number in each["zero"].items()},
            None if each["macs"] is None else int(each["macs"]),
        )
        for each in found
    )


def _row(values: Sequence[Any]) -> Row:
    path, kind, shape, *numbers = values
    return Row(str(path), str(kind), tuple(map(int, shape)), *map(int, numbers))


def _path(architecture: Architecture, onnx: bool) -> Path:
    key = json.dumps([_code(), versions(onnx), str(architecture)], sort_keys=True)
    return folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


@cache
def _code() -> str:
    found = hashlib.sha256()
    for name in CODE:
        path = PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(f"{file.relative_to(PACKAGE)}\0".encode() + file.read_bytes())
    return found.hexdigest()
