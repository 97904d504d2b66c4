"""Docstrings for MkDocs: cross-references of Sphinx become code, and examples become blocks of code."""

import re
from typing import Any

from griffe import Extension

ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`~?([^`]+)`")
EXAMPLE = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.DOTALL | re.MULTILINE)


class Roles(Extension):
    """Rewrites every docstring as it is read."""

    def on_object(self, *, obj: Any, **_: object) -> None:
        """Rewrite the docstring of ``obj``."""
        if obj.docstring:
            text = re.sub(ROLE, r"`\1`", obj.docstring.value).replace("``", "`")
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```pycon\n{found.group(0)}\n```", text)
