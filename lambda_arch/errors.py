"""The errors of the package, and the hint that names the nearest valid choice."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

MOST = 80
"""Characters of any input that a message quotes."""
LONGEST = 1000
"""Characters of a message."""


def escaped(text: str) -> str:
    """Return ``text`` with what is no visible character (control characters, terminal escapes) as Python writes it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def one_line(message: str) -> str:
    """Return a message as one line that a terminal may be given, and that quotes no input at length."""
    text = escaped(" ".join(message.split()))
    text = re.sub(rf"[^\s/]{{{MOST + 1},}}", lambda found: f"{found[0][: MOST - 3]}...", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 3 :]}"


def shown(value: object) -> str:
    """Return ``value``, which may come from anywhere, as a message quotes it: escaped, and its beginning if long."""
    try:
        text = str(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; lists within lists
        text = f"a very long {type(value).__name__}"
    text = escaped(text[: MOST + 1])
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."


class LambdaArchError(ValueError):
    """What the package refuses: one line that names the value, what was expected and the nearest valid choice."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


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
    if len(word) > MOST:
        return ""
    found = get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""
