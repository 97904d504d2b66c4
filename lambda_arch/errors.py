"""The errors of the package, and the hint that names the nearest valid choice."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

MOST = 80
"""How many characters of an input a message quotes."""
PHRASE = 160
"""How long our own words may be between two punctuation marks: a command with its flags."""
LONGEST = 1000
"""Maximum length of a message, in characters."""


def escaped(text: str) -> str:
    """Return ``text`` with unprintable characters (such as terminal escapes) written as in Python's literals."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def one_line(message: str, inputs: Iterable[str] = ()) -> str:
    """Return ``message`` as one line that is safe to print on a terminal, with at most 80 characters of any input.

    Long ``inputs`` are cut where they are quoted, but not paths in folders that exist: a user has to see which file is
    meant. So is whatever else is longer than our words are between two punctuation marks, or without a space.
    """
    for each in map(str.strip, inputs):
        message = message.replace(each, shown(each)) if len(each) > MOST and not _is_path(each) else message
    text = escaped(" ".join(message.split()))
    text = re.sub(rf"[^\s/]{{{MOST + 1},}}(?<!:)", lambda found: f"{found[0][: MOST - 3]}...", text)
    text = re.sub(rf"[^:;,()`/]{{{PHRASE + 1},}}", lambda found: f"{found[0][: MOST - 3]}...", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 3 :]}"


def _is_path(text: str) -> bool:
    folder, _, name = text.rpartition("/")
    try:
        return bool(folder) and len(name) <= MOST and Path(folder).is_dir()
    except (OSError, ValueError):  # a name too long for the file system, or with a null character
        return False


def shown(value: object) -> str:
    """Return ``value``, any untrusted input, as a message quotes it: escaped, and cut if it is long."""
    try:
        text = str(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; lists within lists
        text = f"a very long {type(value).__name__}"
    text = escaped(text[: MOST + 1])
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."


class LambdaArchError(ValueError):
    """The base of all errors: one line with the value, what was expected and the nearest valid choice.

    ``full`` is the ``message`` before it was cut to one line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))
        self.full = message


class ArchitectureError(LambdaArchError):
    """A name, file or value that is not an architecture that can be built."""


class SetupError(LambdaArchError):
    """A setup (device, dtype, batch size and so on) that cannot run or be measured."""


class StoreError(LambdaArchError):
    """A results store that cannot be used."""


class DataError(LambdaArchError):
    """A user's file (table, space, checkpoint, figures) with unexpected content."""


class TrainingError(LambdaArchError):
    """A run that cannot go on, such as one whose loss is not finite."""


class ModuleError(ArchitectureError):
    """Code of a user that does not run or does not make a module; it names the line of the code."""


def did_you_mean(word: str, choices: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `` (did you mean X?)`` for the choice closest to ``word``, or nothing when none is close."""
    if len(word) > MOST:
        return ""
    known = {choice.lower(): choice for choice in choices}
    found = get_close_matches(word.lower(), list(known), n=1, cutoff=cutoff)
    return f" (did you mean {known[found[0]]}?)" if found else ""
