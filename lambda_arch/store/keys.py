"""Keys: a digest of named fields, a version among them, so that no key depends on how Python prints a value."""

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
    """Return an identifier that no other store gives."""
    return uuid.uuid4().hex


def now() -> str:
    """Return the time in UTC, to the millisecond, as ISO 8601 writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
