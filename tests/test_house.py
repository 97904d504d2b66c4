"""The rooms know only the rooms below them, and everything a user can type is documented."""

import ast
import re
from pathlib import Path

import pytest
import typer

from lambda_arch.cli.main import COMMANDS, make_app

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lambda_arch"
# from the top of the house down: each imports only from those after it
ROOMS = ("cli", "reporting", "searching", "comparing", "timing", "store", "costs", "nn", "published", "arch")
FOUNDATIONS = ("errors", "files", "lazy", "results")  # modules beside the packages, that know none of them
MAY_IMPORT_TORCH = ("nn", "costs", "timing")
HEAVY = {"torch", "fvcore", "pandas"}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node


def at_import(path):
    """Yield what a module imports as soon as it is imported: neither in functions nor for the type checker."""
    body = ast.parse(path.read_text("utf-8")).body
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_every_room_is_known():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert rooms <= set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    room = path.relative_to(PACKAGE).parts[0]
    below = ROOMS[ROOMS.index(room) :]
    for module, _ in imported(path):
        if module.startswith("lambda_arch."):
            assert module.split(".")[1] in (*below, *FOUNDATIONS), module
        if module.split(".")[0] == "torch":
            assert room in MAY_IMPORT_TORCH, module


@pytest.mark.parametrize("room", ["arch", "published", "comparing", "reporting", "cli"])
def test_light_rooms_import_nothing_heavy(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not {module.split(".")[0] for module in at_import(path)} & HEAVY, path


def test_files_are_about_one_thing():
    long = {
        str(path.relative_to(PACKAGE)): lines for path in FILES if (lines := path.read_text("utf-8").count("\n")) > 400
    }
    assert not long


def commands():
    root = typer.main.get_command(make_app())
    return {name: command for name, command in root.commands.items() if not command.hidden}


def test_the_table_of_commands_is_whole():
    assert set(commands()) == set(COMMANDS)
    for name in COMMANDS:
        assert name in typer.main.get_command(make_app(name)).commands


def documented():
    return "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_has_help_and_is_documented(name):
    command, text = commands()[name], documented()
    assert command.help
    assert f"lambda-arch {name}" in text
    for parameter in command.params:
        if parameter.name == "help":
            continue
        assert parameter.help, parameter.name
        for option in parameter.opts:
            if option.startswith("--"):
                assert f"`{option}" in text, f"{name} {option}"


def test_only_the_store_knows_sql():
    sql = re.compile(
        r"\b(SELECT\b.*\bFROM|INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|PRAGMA|CREATE TABLE)\b|sqlite3"
    )
    found = {path for path in FILES if sql.search(path.read_text("utf-8"))}
    assert {path.relative_to(PACKAGE).parts[0] for path in found} == {"store"}
