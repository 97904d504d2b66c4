"""Keys: digests of named fields, one of them a version, so that no key depends on Python's ``repr``."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def digest(fields: Mapping[str, Any]) -> str:
    """Return a short hash of named JSON values, the same for equal values on every machine."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


def new_uid() -> str:
    """Return a universally unique identifier."""
    return uuid.uuid4().hex


def now() -> str:
    """Return the time in UTC, to the millisecond, in ISO 8601 format."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
