"""No control character of any input reaches a terminal, by stdout or stderr, whatever the command and the format."""

import re

import pytest

from tests.command_line import run

ESCAPE = "\x1b]0;title\x07\x9b31m\u202e"
RUNS = "architecture,top1\n"


def written(folder, name, text):
    (folder / name).write_text(text, "utf-8")
    return folder / name


INPUTS = {
    "a name": lambda folder: ("params", ESCAPE),
    "an option": lambda folder: ("params", f"lambda_resnet50:{ESCAPE}=1"),
    "a flag's value": lambda folder: ("params", "--stem", ESCAPE),
    "an unknown flag": lambda folder: ("params", f"--{ESCAPE}"),
    "an unknown command": lambda folder: (ESCAPE,),
    "the name of a file that is not there": lambda folder: ("pareto", f"{ESCAPE}.csv", "--minimize", "a"),
    "the name of a file": lambda folder: ("pareto", written(folder, f"{ESCAPE}.csv", "a\n"), "--minimize", "a"),
    "a TOML file": lambda folder: ("params", written(folder, "a.toml", 'name = "\\u001b]0;title\\u0007"')),
    "a key of a TOML file": lambda folder: ("params", written(folder, "a.toml", '"\\u001b]0;title" = 1')),
    "a cell": lambda folder: ("pareto", written(folder, "a.csv", f"a,b\n{ESCAPE},1\n"), "--minimize", "b"),
    "a heading": lambda folder: ("pareto", written(folder, "a.csv", f"{ESCAPE},b\n7,1\n"), "--minimize", "b"),
    "a heading in an error": lambda folder: ("pareto", written(folder, "a.csv", f"{ESCAPE},b\n"), "--minimize", "c"),
    "a heading in a plot": lambda folder: (
        *("pareto", written(folder, "a.csv", f"{ESCAPE},b\n1,2\n2,1\n"), "--minimize", f"{ESCAPE},b", "--plot", "-"),
    ),
    "an accuracy file": lambda folder: ("search", "--accuracy", written(folder, "a.csv", f"{RUNS}{ESCAPE},1\n")),
    "a space": lambda folder: ("search", "--space", written(folder, "a.toml", 'k = "\\u001b]0;title"')),
    "a user's error": lambda folder: (
        *("search", "--function"),
        f"{written(folder, 'f.py', f'def f(a): raise ValueError({ESCAPE!r})')}:f",
    ),
    "a user's file": lambda folder: ("search", "--function", f"{written(folder, 'f.py', ESCAPE)}:f"),
    "a condition": lambda folder: ("results", "--only", ESCAPE),
    "a store": lambda folder: ("results", "--store", f"{ESCAPE}.db"),
}


FORMS = [(kind, "table") for kind in INPUTS]
FORMS += [(kind, form) for kind in ("a cell", "a heading") for form in ("csv", "json", "md", "latex")]


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_no_escape_reaches_a_terminal(kind, form, tmp_path):
    formatted = ["--format", form] if form != "table" else []
    code, out, err = run(*INPUTS[kind](tmp_path), *formatted, terminal=True)
    assert code in (0, 2)
    ours = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|[\r\n]", "", out + err)  # colours, and a progress bar's moves
    assert ours.isprintable()


def test_files_keep_what_they_are_given(tmp_path):
    path = written(tmp_path, "a.csv", f"a,b\n{ESCAPE},1\n")
    assert run("pareto", path, "--minimize", "b").out.splitlines()[1].startswith(ESCAPE)
