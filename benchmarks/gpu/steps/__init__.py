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
    7: "Batches, memory and energy",
}

ORDER = (
    cuda_tests.items,
    ceilings.items,
    evaluations.items,
    networks.items,
    predictions.items,
    networks.compiled_inference,
    tables.items,
    networks.compiled_training,
    networks.batches,
    memory.items,
    predictions.further,
    ceilings.further,
    evaluations.further,
    networks.further,
    tables.further,
)
"""First what the aims need, then a little of every step, then the rest."""


def all_items(sizes: Sizes) -> list[Item]:
    """Return every item, in the order in which they run."""
    return [item for items in ORDER for item in items(sizes)]
