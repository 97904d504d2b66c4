"""NSGA-II (Deb et al. 2002, from pymoo) for objectives of whole networks, which do not decompose into blocks.

Every evaluation is recorded on disk before the next begins. A search that is started again on its record resumes from
there, because the same seed asks for the same networks in the same order.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_arch.arch import Architecture
from lambda_arch.errors import LambdaArchError
from lambda_arch.searching.arrays import Floats
from lambda_arch.searching.front import Found, Front, collect
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.record import Record, StoredRecord

Evaluated = Callable[[], None]
Beforehand = Callable[[Sequence[Architecture]], object]


def evolve(
    problem: Problem,
    *,
    evaluations: int = 1000,
    population: int = 40,
    seed: int = 0,
    record: Path | str | None = None,
    store: Path | str | None = None,
    about: Mapping[str, Any] | None = None,
    beforehand: Beforehand | None = None,
    evaluated: Evaluated | None = None,
) -> Front:
    """Return the front of the ``evaluations`` networks that NSGA-II evaluates, ``population`` per generation.

    ``record``: a file of this search's evaluations, or ``store``, for those in the store at ``store``; ``about``
    describes what these depend on apart from the problem. ``beforehand`` is called with what a generation is going to
    evaluate.

    Raises :class:`DataError` for a record of another search, and what the functions raise.
    """
    _check(evaluations, population)
    names = [metric.name for metric in problem.costs.metrics]
    values_of = {"metrics": names, **(about or {})}
    head = {"space": problem.space.name, "size": str(problem.space.size), **values_of, "seed": seed}
    head |= {"population": population, "constraints": [str(constraint) for constraint in problem.constraints]}
    path = None if record is None else Path(record)
    met: dict[tuple[int, ...], Floats] = {}
    with StoredRecord(store, values_of) if record == "store" else Record(path, head) as kept:
        for genes in _generations(problem, population, seed, met):
            if beforehand is not None:
                new = [gene for gene in dict.fromkeys(genes) if gene not in met][: evaluations - len(met)]
                networks = [_architecture(problem, gene) for gene in new]
                beforehand([network for network in networks if str(network) not in kept.known])
            for gene in genes:
                if gene not in met:
                    if len(met) >= evaluations:
                        return _front(problem, met)
                    met[gene] = _evaluate(problem, gene, kept)
                    if evaluated is not None:
                        evaluated()
    return _front(problem, met)


def _check(evaluations: int, population: int) -> None:
    if population < 4:
        raise LambdaArchError(f"population={population}: expected at least 4")
    if evaluations < 1:
        raise LambdaArchError(f"evaluations={evaluations}: expected at least 1")


def _evaluate(problem: Problem, gene: tuple[int, ...], kept: Record | StoredRecord) -> Floats:
    architecture = _architecture(problem, gene)
    name = str(architecture)
    if name not in kept.known:
        kept.add(name, problem.of(architecture).tolist())
    return np.array(kept.known[name])


def _architecture(problem: Problem, gene: tuple[int, ...]) -> Architecture:
    return problem.space.products[gene[0]].architecture(gene[1:])


def _generations(
    problem: Problem, population: int, seed: int, met: dict[tuple[int, ...], Floats]
) -> Iterator[list[tuple[int, ...]]]:
    """Yield the genes of each generation (a product and an option per slot); ``met`` must hold them before the next."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem as Search
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    products = problem.space.products
    slots = max(len(product.slots) for product in products)
    highest = [max(p.slots[i].size for p in products if i < len(p.slots)) - 1 for i in range(slots)]
    bounded = int(np.isfinite(problem.bounds).sum() + np.isfinite(problem.floors).sum())
    search = Search(
        n_var=slots + 1,
        n_obj=len(problem.objectives),
        n_ieq_constr=bounded,
        xl=np.zeros(slots + 1),
        xu=np.array([len(products) - 1, *highest]),
        vtype=int,
    )
    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        algorithm.setup(search, seed=seed, verbose=False)
    while True:
        asked = algorithm.ask()
        if asked is None or not len(asked):
            return
        genes = [_gene(problem, row) for row in asked.get("X").astype(int)]
        yield genes
        totals = np.array([met[gene] for gene in genes])
        asked.set("F", totals[:, : len(problem.objectives)])
        if bounded:
            asked.set("G", _excess(problem, totals))
        algorithm.tell(infills=asked)


def _excess(problem: Problem, totals: Floats) -> Floats:
    """Return by how much each bound is exceeded, relative to the bound."""
    above, below = np.isfinite(problem.bounds), np.isfinite(problem.floors)
    upper = (totals[:, above] - problem.bounds[above]) / np.maximum(np.abs(problem.bounds[above]), 1e-12)
    lower = (problem.floors[below] - totals[:, below]) / np.maximum(np.abs(problem.floors[below]), 1e-12)
    return np.concatenate([upper, lower], axis=1)


def _gene(problem: Problem, row: NDArray[np.int64]) -> tuple[int, ...]:
    slots = problem.space.products[row[0]].slots
    return (int(row[0]), *(int(value) % slot.size for value, slot in zip(row[1:], slots, strict=False)))


def _front(problem: Problem, met: dict[tuple[int, ...], Floats]) -> Front:
    width = len(problem.signs)
    found = []
    for i, product in enumerate(problem.space.products):
        own = {gene: totals for gene, totals in met.items() if gene[0] == i}
        totals = np.array(list(own.values())).reshape(-1, width)
        options = np.array([gene[1:] for gene in own], np.int32).reshape(-1, len(product.slots))
        found.append(Found.exact(totals, options))
    how = f"NSGA-II over {len(met):,} evaluated architectures, no guarantee"
    return collect(problem, "evolutionary", how, found, len(met))
