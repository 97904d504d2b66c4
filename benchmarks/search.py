"""Speed and quality of the search, beside pymoo's and Optuna's NSGA-II.

    python benchmarks/search.py enumerate         the front of about 10^6 architectures, counting included
    python benchmarks/search.py exact             the front of about 10^39, three objectives and four, with memory
    python benchmarks/search.py networks          the front of whole networks, within a tolerance [--tolerance 0.001]
    python benchmarks/search.py rivals [--plot F] hypervolume over time, the rivals given ten times our time

Each prints a Markdown table. The rivals evaluate by the same cost tables as we do (a gather and a sum, no network is
built), and whatever they have ever evaluated counts for them; keeping that record is not on their clock.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lambda_arch.searching import make_problem, published_model, read_space
from lambda_arch.searching.enumeration import approximately
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.metrics import METRICS
from lambda_arch.searching.optimization import Problem, non_dominated
from lambda_arch.searching.pareto_search import find_front

OBJECTIVES = ("params", "macs", "top1")
POPULATION = 200
TIMES_OURS = 10.0
Curve = list[tuple[float, int, float]]  # seconds, evaluations, hypervolume


def problem(space: str, names: tuple[str, ...]) -> Problem:
    return make_problem(read_space(space), [METRICS[name] for name in names], (), published_model())


def peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def timed_front(space: str, names: tuple[str, ...], tolerance: float | None = None) -> str:
    begun, processor = time.perf_counter(), time.process_time()
    asked = problem(space, names)
    front = find_front(asked, tolerance=tolerance)
    seconds = time.perf_counter() - begun
    processor = time.process_time() - processor
    errors = ", ".join(f"{share:.2%}" for share in front.relative_error())
    return (
        f"| {space} | {approximately(asked.space.size)} | {', '.join(names)} | {front.engine} | {seconds:.2f} "
        f"| {processor:.2f} | {peak_gigabytes():.2f} | {len(front):,} | {errors} |"
    )


def table(rows: Iterator[str]) -> None:
    print("| space | architectures | objectives | engine | seconds | of processor | GB | members | guaranteed error |")
    print("|:---|---:|:---|:---|---:|---:|---:|---:|:---|")
    for row in rows:
        print(row, flush=True)


class Rival:
    """The blocks space as rivals see it: an option a block, and the objectives of many choices at once."""

    def __init__(self) -> None:
        self.problem = problem("blocks", OBJECTIVES)
        (product,) = self.problem.space.products
        self.fixed = self.problem.fixed(product)
        self.tables = np.stack([self.problem.slot(product, slot) for slot in product.slots])
        self.slots, self.options = self.tables.shape[:2]

    def objectives(self, chosen: np.ndarray) -> np.ndarray:
        """Return the objectives, minimised, of rows of an option a block."""
        return self.fixed + self.tables[np.arange(self.slots), chosen].sum(axis=1)


def pymoo_rival(rival: Rival, seed: int) -> Iterator[np.ndarray]:
    """Yield the objectives of each generation of pymoo's NSGA-II, with its advice for whole numbers."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem as Search
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    search = Search(n_var=rival.slots, n_obj=3, xl=0, xu=rival.options - 1, vtype=int)
    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
    )
    algorithm.setup(search, seed=seed, verbose=False)
    while True:
        asked = algorithm.ask()
        points = rival.objectives(asked.get("X").astype(int))
        asked.set("F", points)
        algorithm.tell(infills=asked)
        yield points


def optuna_rival(rival: Rival, seed: int) -> Iterator[np.ndarray]:
    """Yield the objectives of every 50 trials of Optuna's NSGA-II."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
    study = optuna.create_study(directions=["minimize"] * 3, sampler=sampler)
    while True:
        points = []
        for _ in range(50):
            trial = study.ask()
            chosen = [trial.suggest_int(str(i), 0, rival.options - 1) for i in range(rival.slots)]
            points.append(rival.objectives(np.array([chosen]))[0])
            study.tell(trial, points[-1].tolist())
        yield np.array(points)


def curve(run: Iterator[np.ndarray], seconds: float, volume: Callable[[np.ndarray], float]) -> Curve:
    """Return the hypervolume of all that a rival has evaluated, over its own time."""
    found: Curve = []
    archive = np.empty((0, 3))
    spent, evaluations, next_look = 0.0, 0, 0.0
    while spent < seconds:
        begun = time.perf_counter()
        points = next(run)
        spent += time.perf_counter() - begun
        evaluations += len(points)
        archive = np.concatenate([archive, points])
        archive = archive[non_dominated(archive)]
        if spent >= next_look:
            found.append((spent, evaluations, volume(archive)))
            next_look = max(1.15 * spent, 0.05)
    found.append((spent, evaluations, volume(archive)))
    return found


def rivals(plot: Path | None, seed: int) -> None:
    import moocore

    asked = problem("blocks", OBJECTIVES)
    begun = time.perf_counter()
    exact = exact_front(asked)
    ours = time.perf_counter() - begun
    low, high = exact.points.min(axis=0), exact.points.max(axis=0)
    reference = high + 0.1 * (high - low)

    def volume(points: np.ndarray) -> float:
        return float(moocore.hypervolume((points - low) / (reference - low), ref=np.ones(3)))

    best = volume(exact.points)
    curves: dict[str, Curve] = {"lambda-arch": []}
    for limit in (100, 1000, 10_000):
        begun = time.perf_counter()
        front = exact_front(asked, limit=limit, thinned=limit // 2)
        curves["lambda-arch"].append((time.perf_counter() - begun, 0, volume(front.points)))
    curves["lambda-arch"].append((ours, 0, best))
    rival = Rival()
    budget = TIMES_OURS * ours
    for name, make in (("pymoo NSGA-II", pymoo_rival), ("Optuna NSGA-II", optuna_rival)):
        curves[name] = curve(make(rival, seed), budget, volume)
    print(f"Hypervolume as a share of the exact front's; blocks, {asked.space.size:.2g} architectures, {OBJECTIVES}.")
    print()
    print("| search | seconds | evaluations | hypervolume |")
    print("|:---|---:|---:|---:|")
    for name, points in curves.items():
        steps = points if name == "lambda-arch" else [p for p in points if p is points[-1]] + _looks(points)
        for seconds, evaluations, value in sorted(steps):
            print(f"| {name} | {seconds:.2f} | {evaluations or '-'} | {value / best:.2%} |")
    if plot is not None:
        draw(curves, best, plot)


def _looks(points: Curve) -> Curve:
    """Return the first point after each of a few times."""
    found = []
    for moment in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0):
        found += [point for point in points[:-1] if point[0] >= moment][:1]
    return found


def draw(curves: dict[str, Curve], best: float, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, points in curves.items():
        seconds, _, values = zip(*points, strict=True)
        axes.plot(seconds, np.array(values) / best, marker="o", markersize=3, label=name)
    axes.set_xscale("log")
    axes.set_xlabel("seconds")
    axes.set_ylabel("hypervolume / that of the exact front")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["enumerate", "exact", "networks", "rivals"])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", type=float, nargs="*", help="those of networks, for three objectives")
    asked = parser.parse_args()
    if asked.what == "enumerate":
        table(timed_front("ablation", names) for names in (OBJECTIVES, ("macs", "memory", "top1")))
    elif asked.what == "exact":
        table(timed_front("blocks", names) for names in (OBJECTIVES, ("params", "macs", "memory", "top1")))
    elif asked.what == "networks":
        sizes = [(OBJECTIVES, tolerance) for tolerance in asked.tolerance or (0.01, 0.005, 0.002, 0.001)]
        sizes += [] if asked.tolerance else [(("params", "macs", "memory", "top1"), 0.005)]
        table(timed_front("networks", names, tolerance) for names, tolerance in sizes)
    else:
        rivals(asked.plot, asked.seed)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
