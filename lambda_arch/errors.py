"""The errors of the package, and the hint that names the nearest valid choice."""

from collections.abc import Iterable
from difflib import get_close_matches


class LambdaArchError(ValueError):
    """What the package refuses: one line that names the value, what was expected and the nearest valid choice."""


class ArchitectureError(LambdaArchError):
    """A name, file or value that is not an architecture that can be built."""


class SetupError(LambdaArchError):
    """A setup (device, dtype, batch size and so on) that cannot be run or measured."""


class StoreError(LambdaArchError):
    """A results store that cannot be used."""


class DataError(LambdaArchError):
    """A user's file (table, space, checkpoint, figures) that does not hold what was expected."""


class TrainingError(LambdaArchError):
    """A run that cannot go on, such as one whose loss is not finite."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` for the choice closest to ``word``, or nothing when none is close."""
    found = get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""
