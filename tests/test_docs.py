"""The documentation: its Python runs, its generated sections and its figures are up to date."""

import doctest
import re
import shlex
from contextlib import nullcontext
from itertools import takewhile
from pathlib import Path

import pytest
import typer.main

from docs import generate
from docs.tools.examples import ELLIPSIS, WIDTH, run_command, run_python
from lambda_arch.cli.main import make_app
from lambda_arch.comparing import TALLIED, compare
from lambda_arch.interop.handlers import HANDLERS
from lambda_arch.published import table_names
from tests.command_line import run
from tests.fake_workers import fake_workers
from tests.vision import import_torchvision

ROOT = Path(__file__).parent.parent
ALL = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [page for page in ALL if str(page.relative_to(ROOT)) not in generate.EXAMPLES]
# a comment in front, which no reader sees, says why a snippet is not run
SNIPPET = re.compile(r"(<!-- not run: [^\n]+ -->\n+)?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


CONSOLE = re.compile(r"^```console\n\$ (lambda-arch [^\n]+)\n((?!\$).+?)^```$", re.DOTALL | re.MULTILINE)
COUNTING = ("params", "flops", "show", "tables", "audit", "match", "compare")


@pytest.fixture(autouse=True)
def _formulas_of_pages_stay_theirs(monkeypatch):
    monkeypatch.setattr("lambda_arch.interop.handlers.HANDLERS", HANDLERS.copy())


def _examples():
    """Yield the examples of commands that count: the page, the command line, and what the page says it prints."""
    for page in PAGES:
        for command, printed in CONSOLE.findall(page.read_text("utf-8")):
            if command.split()[1] in COUNTING and "\n$ " not in printed:
                yield pytest.param(page.name, command, _stripped(printed), id=f"{page.name}-{command}")


def _stripped(text):
    """Return the lines of a terminal without its escape sequences and spaces at the end."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", text).strip().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```python" in page.read_text("utf-8")], ids=lambda page: page.name
)
def test_python_snippets_run_and_print_what_they_say(page, tmp_path, monkeypatch, workers):
    monkeypatch.chdir(tmp_path)
    text, names = page.read_text("utf-8"), {"__name__": "snippet"}
    if "torchvision" in text:
        import_torchvision()
    for snippet in SNIPPET.finditer(text):
        not_run, code = snippet.groups()
        if not_run:
            continue
        line = text.count("\n", 0, snippet.start(2))
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line)
            test.globs = names
            failures = []
            doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=failures.append, clear_globs=False)
            assert not failures, "".join(failures)
        else:
            exec(compile("\n" * line + code, str(page), "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command", "printed"), list(_examples()))
def test_examples_print_what_they_say(page, command, printed):
    _, *arguments = shlex.split(command, comments=True)
    prints = (run(*arguments, terminal=True, COLUMNS=str(width)) for width in (100, 80, 120))
    assert any(printed == _stripped(result.err + result.out) for result in prints), f"{page}: {command}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [*generate.EXAMPLES, generate.AUDIT])
def test_generated_pages_run_and_are_up_to_date(page):
    """Where an output varies, only that there is one is checked: workers that pretend do, but for the README."""
    with nullcontext() if page == "README.md" else fake_workers():
        assert generate.stale([page]) == []


@pytest.mark.slow
def test_the_notebook_of_the_first_tutorial_runs(tmp_path, monkeypatch):
    """Cell by cell in one namespace, as a kernel does; none has to be installed."""
    import nbformat

    notebook = nbformat.read(ROOT / "docs" / "tutorials" / "ablations.ipynb", as_version=4)
    nbformat.validate(notebook)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    names = {"__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            commands = [line.removeprefix("!") for line in cell.source.splitlines() if line.startswith("!")]
            found = [run_command(each, names) for each in commands] or [run_python(cell.source, names)]
            printed = "".join(found)
            shown = "".join(output.text for output in cell.outputs).splitlines()
            assert [line for line in shown if line not in (ELLIPSIS, *printed.splitlines())] == [], cell.source


NETWORK = 'name = "lambda_resnet50"\nstages = "CCLL"\n'
SPACE = "depth = 18\nimage_size = 64\nper = 'stage'\nk = [2, 8]\n"


@pytest.mark.slow
def test_the_commands_of_the_github_workflow_run(tmp_path, workers):
    import yaml

    (text,) = re.findall(
        r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    (job,) = yaml.safe_load(text)["jobs"].values()
    commands = [shlex.split(step["run"])[1:] for step in job["steps"] if step.get("run", "").startswith("lambda-arch")]
    (tmp_path / "our_network.toml").write_text(NETWORK)
    (tmp_path / "our_space.toml").write_text(SPACE)
    (search,) = (command[:-2] for command in commands if command[0] == "search")
    assert run(*search, "--out", "front.json", cwd=tmp_path).code == 0
    assert [(command[0], run(*command, cwd=tmp_path)[::2]) for command in commands if command[0] != "search"] == [
        (name, (0, "")) for name in ("params", "flops", "time", "results")
    ]
    assert run(*search, "--expect", "front.json", cwd=tmp_path).code == 0


def test_links_of_the_readme_lead_somewhere_and_come_early():
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert text.partition(f"]({links[0]})")[0].count("\n") < 60, "a screen and a half"
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_tells_how_many_figures_agree():
    tallies = [compare(name).tally() for name in table_names()]
    agree, cut, one_digit, differ, missing = (sum(tally[kind] for tally in tallies) for kind in TALLIED)
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"Of the {agree + cut + one_digit + differ + missing} printed" in text
    assert f"{agree} agree with our exact counts as rounded" in text
    assert f"{cut + one_digit} only when cut off" in text
    assert f"{one_digit} of these differ by one digit" in text
    assert f"{differ} differ;" in text
    assert f"{missing} belong to layers" in text


def _commands(group, name=""):
    for each, command in group.commands.items():
        yield f"{name}{each}", command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name}{each} ")


def test_every_command_line_of_a_page_has_flags_that_there_are():
    pages = [ROOT / "lambda_arch/store/measured/README.md", *ALL, *(ROOT / "docs/tutorials").glob("*.md")]
    text = "\n".join(page.read_text("utf-8") for page in pages).replace("\\\n", " ")
    known = dict(_commands(typer.main.get_command(make_app())))
    lines = re.findall(r"^ *(?:\$ )?lambda-arch ([^-\n].*)", text, re.MULTILINE)
    assert len(lines) > 50
    for line in lines:
        words = list(takewhile(lambda word: word not in ("|", ">", "&&"), shlex.split(line, comments=True)))
        name = next(name for name in (" ".join(words[:2]), words[0]) if name in known)
        known[name].make_context(name, words[len(name.split()) :])


def test_the_pages_name_every_command_and_flag():
    text = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "commands.md", ROOT / "docs" / "training.md"))
    for name, command in _commands(typer.main.get_command(make_app())):
        assert f"`{name}`" in text, name
        flags = [flag for param in command.params for flag in param.opts if flag.startswith("--")]
        assert [flag for flag in flags if f"`{flag}`" not in text] == [], name
