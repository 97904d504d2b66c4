"""Packages import only those below them, no files import each other in a circle, and all commands are documented."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import typer

from lambda_arch.cli.main import COMMANDS, make_app

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lambda_arch"
# from the top down: each imports only from those after it
PACKAGES = (
    "cli",
    "reporting",
    "cluster",
    "searching",
    "training",
    "comparing",
    "timing",
    "interop",
    "store",
    "costs",
    "nn",
    "published",
    "arch",
)
FOUNDATIONS = ("errors", "files", "lazy", "results", "units")  # modules below all packages
ADDRESSES = ("keras", "timm")  # modules above all packages: what interop has for a framework, by the framework's name
MAY_IMPORT_TORCH = ("nn", "costs", "interop", "timing", "training")
HEAVY = {"torch", "fvcore", "pandas"}
ALL_FILES = sorted(PACKAGE.rglob("*.py"))
FILES = [path for path in ALL_FILES if path.parent != PACKAGE]


@cache
def tree(path):
    return ast.parse(path.read_text("utf-8"))


def name_of(path):
    """Return the dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in ALL_FILES}


def for_the_type_checker(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def import_nodes(node, typing=False):
    """Yield the imports below a node, those in functions too; those for the type checker where ``typing`` says so."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif typing or not for_the_type_checker(child):
            yield from import_nodes(child, typing)


def resolve(module, name):
    """Return the module that defines ``name``, which is imported from ``module``, possibly through a package."""
    path = MODULES.get(module)
    if path is None or path.name != "__init__.py":
        return module
    for node in import_nodes(tree(path), typing=True):
        if isinstance(node, ast.ImportFrom) and name in [alias.asname or alias.name for alias in node.names]:
            original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
            return resolve(node.module, original)
    return f"{module}.{name}" if f"{module}.{name}" in MODULES else module


def imported(path, typing=True):
    """Yield the modules that define what a file imports."""
    for node in import_nodes(tree(path), typing):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif node.module:
            yield from (resolve(node.module, alias.name) for alias in node.names)


def at_import(path):
    """Yield a module's imports at module level, without those for the type checker."""
    for node in tree(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_every_package_is_known():
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert packages <= set(PACKAGES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    package = path.relative_to(PACKAGE).parts[0]
    below = PACKAGES[PACKAGES.index(package) :]
    for module in imported(path):
        if module.startswith("lambda_arch."):
            assert module.split(".")[1] in (*below, *FOUNDATIONS), module
        if module.split(".")[0] == "torch":
            assert package in MAY_IMPORT_TORCH, module


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_has_only_names_of_interop_which_alone_imports_the_framework(name):
    modules = {module for module in imported(PACKAGE / f"{name}.py") if module.startswith("lambda_arch.")}
    assert {module.split(".")[1] for module in modules} <= {"interop", *FOUNDATIONS}
    users = [path for path in FILES if name in {module.split(".")[0] for module in imported(path)}]
    assert {path.relative_to(PACKAGE).parts[0] for path in users} == {"interop"}
    assert not [path for path in FILES if f"lambda_arch.{name}" in imported(path)]


def test_no_file_imports_in_a_circle():
    """Imports in functions count, those for the type checker alone do not."""
    graph = {name: {m for m in imported(path, typing=False) if m in MODULES} for name, path in MODULES.items()}
    done, circles = set(), []

    def visit(name, above):
        if name in above:
            circles.append(" > ".join([*above[above.index(name) :], name]))
        elif name not in done:
            for other in sorted(graph[name]):
                visit(other, [*above, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    assert circles == []


def test_no_name_of_a_package_hides_a_module_of_it():
    hidden = set()
    for package, path in MODULES.items():
        if path.name != "__init__.py":
            continue
        for node in import_nodes(tree(path), typing=True):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    name = f"{package}.{alias.asname or alias.name}"
                    if name in MODULES and name != f"{node.module}.{alias.name}":
                        hidden.add(name)
    assert hidden == set()


def test_only_the_command_line_prints():
    for path in ALL_FILES:
        if path.relative_to(PACKAGE).parts[0] != "cli":
            calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
            assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"], path


@pytest.mark.parametrize("package", ["arch", "published", "comparing", "reporting", "cli"])
def test_light_packages_import_nothing_heavy(package):
    for path in (PACKAGE / package).rglob("*.py"):
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


def literals(path):
    """Yield the string literals of a module, including those in f-strings, without docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


NAMES_COMMANDS = {"cli", "html_report"}  # the report says which command makes a section


@pytest.mark.parametrize("path", [path for path in FILES if not NAMES_COMMANDS & set(path.parts)], ids=str)
def test_libraries_speak_of_arguments_and_not_of_flags(path):
    for text in literals(path):
        without_commands = re.sub(r"`lambda-arch [^`]*`", "", text)
        assert not re.search(r"(?<![\w-])--[a-z]", without_commands), text
