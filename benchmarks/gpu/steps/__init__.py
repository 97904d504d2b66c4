"""The steps of the kit, a module each; :func:`all_items` has the order, most valuable first. No torch."""

from benchmarks.gpu.item import Item
from benchmarks.gpu.settings import Sizes
from benchmarks.gpu.steps import ceilings, cuda_tests, evaluations, memory, networks, predictions, tables

STEPS = {
    1: "CUDA tests",
    2: "Ceilings",
    3: "Evaluations of lambda layers",
    4: "Whole networks",
    5: "Published tables",
    6: "Calibration and prediction",
    7: "Largest batch, memory and energy",
}


def all_items(sizes: Sizes) -> list[Item]:
    """Return every item, in the order in which they run."""
    first = (cuda_tests, ceilings, evaluations, networks, tables, predictions, memory)
    found = [item for module in first for item in module.items(sizes)]
    return found + [item for module in (evaluations, networks, tables) for item in module.further(sizes)]
