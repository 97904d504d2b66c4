"""Comparison of a front with the one of an earlier search, for continuous integration."""

import json
from collections.abc import Mapping
from math import isclose
from pathlib import Path
from typing import Any

from lambda_arch.errors import DataError, shown

ASKED = ("space", "objectives", "where")
"""What two searches must share for their fronts to be comparable."""


def read_front(path: Path) -> dict[str, Any]:
    """Return a front as the search wrote it as JSON.

    Raises :class:`DataError` for another file, OSError for one that cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: no JSON ({shown(error)}); expected a front that `search` wrote as JSON") from None
    members = found.get("members") if isinstance(found, dict) else None
    if not (isinstance(members, list) and all(isinstance(each, dict) and "architecture" in each for each in members)):
        raise DataError(f"{path}: not a front; expected one that `search` wrote as JSON")
    return dict(found)


def front_differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return a line for each difference of two fronts, both as the search writes them as JSON.

    Raises :class:`DataError` if they answer different questions.
    """
    for name in ASKED:
        if expected.get(name) != found[name]:
            raise DataError(
                f"expect: that search had {name} {shown(json.dumps(expected.get(name)))}, this one has "
                f"{shown(json.dumps(found[name]))}; expected the same"
            )
    lines = []
    if expected.get("front_members") != found["front_members"]:
        lines.append(
            f"the front has {found['front_members']:,} members, expected {shown(expected.get('front_members'))}"
        )
    before = {str(each["architecture"]): each for each in expected["members"]}
    now = {each["architecture"]: each for each in found["members"]}
    for name, member in before.items():
        if name not in now:
            lines.append(f"{shown(name)}: expected on the front, not found")
            continue
        for metric, value in member.items():
            if not _same(value, now[name].get(metric)):
                lines.append(f"{name}: {shown(metric)} is {now[name].get(metric)}, expected {shown(value)}")
    return lines + [f"{name}: on the front, not expected" for name in now if name not in before]


def _same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, (int, float)):
        return isclose(a, b, rel_tol=1e-6, abs_tol=1e-4)  # predictions are rounded to four digits
    return a == b
