"""Pages whose examples are run: outputs are what the commands and the code print, never typed.

On such a page every ``console`` block holds commands, every ``pycon`` block Python with prompts, and a block with a
``title="NAME"`` is a file of that name. They run in the order of the page, in one folder. A comment in front of a
block, which readers do not see, says more:

- ``<!-- lines: REGEX -->``: only these lines of the output are shown, with an ellipsis where others follow
- ``<!-- varies -->``: measured, or from random weights; checked to run and to print something, and kept as it was
  printed when the page was last written
- ``<!-- varies; lines: REGEX -->``: both
"""

import ast
import contextlib
import io
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from lambda_arch.cli.main import main

BLOCK = re.compile(
    r"(?P<comment><!-- (?P<varies>varies)?(?:; )?(?:lines: (?P<lines>[^\n]+))? -->\n+)?"
    r'```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```$',
    re.DOTALL | re.MULTILINE,
)
PROMPTS = {"console": ("$ ",), "pycon": (">>> ", "... ")}
ELLIPSIS = "…"
WIDTH = 80


class Example(NamedTuple):
    """A command or statement: its lines with their prompts, what it runs without them, and the output below it."""

    prompted: str
    source: str
    output: str


class Terminal(io.TextIOWrapper):
    """A stream into ``file`` that says whether it is a terminal."""

    def __init__(self, file: io.BytesIO, terminal: bool) -> None:
        super().__init__(file, encoding="utf-8", newline="", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._terminal


def filled(text: str, folder: Path, fresh: bool = True) -> str:
    """Run the examples of a page in ``folder`` and return it with their outputs; those that vary only if ``fresh``.

    Raises ValueError for an example that fails or prints nothing where the page shows an output.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    environment = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "XDG_DATA_HOME": str(folder / ".data")}

    def fill(block: re.Match[str]) -> str:
        if block["title"]:
            (folder / block["title"]).write_text(block["body"], "utf-8")
        if block["kind"] not in PROMPTS:
            return block[0]
        body = ""
        for example in examples(block["kind"], block["body"]):
            run = run_command if block["kind"] == "console" else run_python
            with contextlib.chdir(folder):
                output = run(example.source, names)
            if block["lines"]:
                output = shown(output, block["lines"])
            if example.output and not output:
                raise ValueError(f"{example.source}: expected an output")
            body += example.prompted + (example.output if block["varies"] and not fresh and example.output else output)
        start = block.start("body") - block.start()
        return block[0][:start] + body + "```"

    with mock.patch.dict(os.environ, environment):
        return BLOCK.sub(fill, text)


def examples(kind: str, body: str) -> Iterator[Example]:
    """Yield the examples of a block, each up to the next first prompt."""
    first, *more = PROMPTS[kind]
    for text in re.split(f"^(?={re.escape(first)})", body, flags=re.MULTILINE):
        lines = text.splitlines(keepends=True)
        count = 1 + next(
            (i for i, line in enumerate(lines[1:]) if not line.startswith(tuple(more or ["\0"]))), len(lines)
        )
        prompted = "".join(lines[:count])
        source = "".join(line[len(first) :] for line in lines[:count])
        if text.strip():
            yield Example(prompted, source.strip(), "".join(lines[count:]))


def run_command(source: str, _: object) -> str:
    """Return what ``lambda-arch ...`` prints to a terminal. Raises ValueError if it exits with another code than 0."""
    program, *arguments = shlex.split(source, comments=True)
    if program != "lambda-arch":
        raise ValueError(f"{source}: expected a command of lambda-arch")
    code, output = captured(lambda: main(arguments))
    if code:
        raise ValueError(f"{source}: exit code {code}\n{output}")
    return output


def run_python(source: str, names: dict[str, Any]) -> str:
    """Return what Python statements print, and their values, as a prompt of Python does."""

    def execute() -> None:
        for statement in ast.parse(source).body:
            exec(compile(ast.Interactive([statement]), "<page>", "single"), names)

    return captured(execute)[1]


def captured(function: Callable[[], Any]) -> tuple[Any, str]:
    """Return the result of ``function`` and what it printed, without escape sequences and spaces at ends of lines."""
    file = io.BytesIO()
    out, err = Terminal(file, terminal=True), Terminal(file, terminal=False)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = function()
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", file.getvalue().decode("utf-8"))
    return result, "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def shown(output: str, lines: str) -> str:
    """Return the lines of ``output`` that match ``lines``, with an ellipsis for others after them."""
    kept: list[str] = []
    for line in output.splitlines():
        if re.search(lines, line):
            kept.append(line)
        elif kept[-1:] != [ELLIPSIS]:
            kept.append(ELLIPSIS)
    return "".join(f"{line}\n" for line in (kept[1:] if kept[:1] == [ELLIPSIS] else kept))
