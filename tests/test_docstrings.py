"""Docstrings of the public names: each argument, field, result and error is in them, and each name in the reference."""

import dataclasses
import inspect
import re
from functools import cache, cached_property
from pathlib import Path

import lambda_arch
from docs.tools.reference import public_names

ROOT = Path(__file__).parent.parent
ALSO = re.compile(r"\b[Oo]ther\s+(?:arguments|settings)\s+are\s+those\s+of\s+:\w+:`~?([\w.]+)`")
RESULT = re.compile(r"\b(returns?|yields?|register)\b", re.IGNORECASE)
ERRORS = re.compile(r"\b[Rr]aise|\bNo errors\b")
NOTHING = (None, "None")
PROGRESS = "progress"  # a callback, of the type that its annotation names


@cache
def names():
    return {name: value for name, value in public_names().items() if not inspect.ismodule(value)}


def document(value):
    return inspect.getdoc(value) or ""


def described(value):
    """Yield the words in double quotes of backticks, of a docstring and of those that it refers to."""
    text = document(value)
    for other in ALSO.findall(text):
        full = next(
            each for each in (f"lambda_arch.{other}", other, f"lambda_arch.{other.split('.')[-1]}") if each in names()
        )
        yield from described(names()[full])
    for quoted in re.findall(r"``([^`]+)``", text):
        yield from re.findall(r"\w+", quoted)


def arguments(value):
    """Return what a docstring has to name: parameters of a function, fields of a dataclass."""
    if dataclasses.is_dataclass(value):
        return [each.name for each in dataclasses.fields(value) if "help" not in each.metadata]
    if inspect.isclass(value) and "__init__" not in vars(value):
        return []
    return list(inspect.signature(value).parameters)


def test_every_argument_and_field_is_described():
    missing = {}
    for name, value in names().items():
        known = {*described(value), PROGRESS}
        missing[name] = [each for each in arguments(value) if each not in known]
    assert {name: each for name, each in missing.items() if each} == {}


def test_functions_say_what_they_return_and_raise():
    functions = {name: value for name, value in names().items() if inspect.isfunction(value)}
    returning = {name for name, value in functions.items() if inspect.signature(value).return_annotation not in NOTHING}
    assert {name for name in returning if not RESULT.search(document(functions[name]))} == set()
    assert {name for name, value in functions.items() if not ERRORS.search(document(value))} == set()


def test_members_of_classes_are_described():
    kinds = (property, cached_property, classmethod, staticmethod)
    missing = {
        f"{name}.{key}"
        for name, value in names().items()
        if inspect.isclass(value)
        for key, each in vars(value).items()
        if not key.startswith("_") and (inspect.isfunction(each) or isinstance(each, kinds)) and not document(each)
    }
    assert missing == set()


def test_the_reference_has_every_name_of_the_root_and_of_the_pages():
    there = set(public_names())
    assert {f"lambda_arch.{name}" for name in lambda_arch.__all__ if name != "timm"} <= there
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")]
    used = set()
    for page in pages:
        for module, imported in re.findall(r"from (lambda_arch[\w.]*) import ([\w, ]+)", page.read_text("utf-8")):
            if not module.startswith("lambda_arch.cli"):  # commands have a reference of their own
                used |= {f"{module}.{each.split(' as ')[0].strip()}" for each in imported.split(",")}
    same = {id(value) for value in public_names().values()}
    missing = {name for name in used - there if id(_value(name)) not in same and not inspect.ismodule(_value(name))}
    assert missing == set()


def _value(name):
    module, _, last = name.rpartition(".")
    return getattr(__import__(module, fromlist=[last]), last)
