"""Training: recipes, data sets from the user's disk, the loop, and what came of it."""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.training.accuracy import Accuracy
    from lambda_arch.training.data import Data
    from lambda_arch.training.datasets import load_data
    from lambda_arch.training.keeping import find_runs
    from lambda_arch.training.recipe import Recipe
    from lambda_arch.training.recipe_file import NamedRecipe, find_recipe, recipe_names
    from lambda_arch.training.runs import Epoch, Runs, RunStatus, TrainingRun
    from lambda_arch.training.verbs import evaluate, plan, train

_HOMES = {
    "Accuracy": "accuracy",
    "Data": "data",
    "Epoch": "runs",
    "NamedRecipe": "recipe_file",
    "Recipe": "recipe",
    "RunStatus": "runs",
    "Runs": "runs",
    "TrainingRun": "runs",
    "evaluate": "verbs",
    "find_recipe": "recipe_file",
    "find_runs": "keeping",
    "load_data": "datasets",
    "plan": "verbs",
    "recipe_names": "recipe_file",
    "train": "verbs",
}

__all__ = [
    "Accuracy",
    "Data",
    "Epoch",
    "NamedRecipe",
    "Recipe",
    "RunStatus",
    "Runs",
    "TrainingRun",
    "evaluate",
    "find_recipe",
    "find_runs",
    "load_data",
    "plan",
    "recipe_names",
    "train",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
