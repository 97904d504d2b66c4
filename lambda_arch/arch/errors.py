"""The one error of this room, and the words that help a user out of it."""

from collections.abc import Iterable
from difflib import get_close_matches


class ArchitectureError(ValueError):
    """Something that is not an architecture: one line that names the value, what was expected and the nearest."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` for the choice closest to ``word``, or nothing when none is close."""
    found = get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""
