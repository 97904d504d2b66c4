"""Recipes in TOML files: the package's own, and a user's.

about = "CIFAR-10 as in my thesis"
source = "chapter 4"
epochs = 200
batch_size = 128
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from lambda_arch.errors import DataError, SetupError, did_you_mean, shown
from lambda_arch.training.recipe import SETTINGS, Recipe, read_value


@dataclass(frozen=True, slots=True)
class NamedRecipe:
    """A recipe with its name, what it is, and where it comes from."""

    name: str
    recipe: Recipe
    about: str = ""
    source: str = ""


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def find_recipe(name: str) -> NamedRecipe:
    """Return the recipe of that name, or of a TOML file.

    Raises :class:`lambda_arch.SetupError` for no such recipe, :class:`lambda_arch.DataError` naming the file for one
    that is none, and OSError for a file that cannot be read.
    """
    if name.endswith(".toml"):
        return _read(Path(name).name.removesuffix(".toml"), Path(name).read_bytes(), name)
    known = recipe_names()
    if name not in known:
        close = did_you_mean(name, known)
        raise SetupError(f"recipe={name}: expected one of {', '.join(known)}, or a file that ends in .toml{close}")
    return _read(name, (_folder() / f"{name}.toml").read_bytes(), f"{name}.toml")


def write_recipe(named: NamedRecipe) -> str:
    """Return the TOML file of a recipe, which :func:`find_recipe` reads."""
    texts = {"about": named.about, "source": named.source}
    lines = [f"{key} = {_toml(text)}" for key, text in texts.items() if text]
    lines += [f"{key} = {_toml(value)}" for key, value in named.recipe.as_dict().items()]
    return "\n".join(lines) + "\n"


def _folder() -> Any:
    return files("lambda_arch.training") / "recipes"


def _read(name: str, content: bytes, where: str) -> NamedRecipe:
    try:
        table = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise DataError(f"{where}: expected a TOML file, text in UTF-8") from None
    except (ValueError, RecursionError) as error:  # invalid TOML, too long a number, too deep a nesting
        raise DataError(f"{where}: {shown(error)}; expected TOML such as epochs = 90") from None
    texts = {key: table.pop(key, "") for key in ("about", "source")}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise DataError(f"{where}: {key}={text}: expected a text")
    for key in ("epochs", "batch_size"):
        if key not in table:
            raise DataError(f"{where}: no {key}; expected a line such as {key} = {90 if key == 'epochs' else 128}")
    try:
        for key, value in table.items():
            if isinstance(value, str) and key in SETTINGS and SETTINGS[key].types != (str,):
                raise SetupError(f'{key}="{value}": expected {SETTINGS[key].kind.expected}, not a text')
        recipe = Recipe(**{key: read_value(key, value) for key, value in table.items()})
    except SetupError as error:
        raise DataError(f"{where}: {error}") from None
    return NamedRecipe(name, recipe, **texts)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        import json

        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)
