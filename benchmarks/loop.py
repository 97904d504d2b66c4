"""The loop against other searches with the same number of trained networks, on simulated truths.

python -m benchmarks.loop [--seeds 5] [--trainings 40] [--batch 4] [--truth NAME ...] [--curves curves.npz]
                         [--plot docs/images/loop_hypervolume.svg]

A training is a look at a truth: the mean accuracy of an architecture plus the noise of a run. Four truths on the space
``stages`` (MACs against top-1): additive, near the published weights; with interactions of neighbouring stages; with
heavy noise; and one whose weights contradict the published ones. Every search sees the same noise, and is scored by the
hypervolume of the *true* accuracies of what it trained, as a share of that of the true front.
"""

import argparse
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from lambda_arch.arch import ResNet
from lambda_arch.searching.features import features, pair_features
from lambda_arch.searching.learning import after
from lambda_arch.searching.metrics import METRICS
from lambda_arch.searching.optimization import make_problem, non_dominated
from lambda_arch.searching.posterior import published_prior
from lambda_arch.searching.proposals import choose
from lambda_arch.searching.space_file import read_space
from lambda_arch.searching.training_runs import OWN, Run

SPACE = "stages"
TRUTHS = {
    "additive": {"factor": 0.7, "noise": 0.2},
    "interactions": {"factor": 0.7, "noise": 0.2, "interaction": 1.5},
    "heavy noise": {"factor": 0.7, "noise": 1.0},
    "contradicts the prior": {"factor": -0.7, "noise": 0.2},
}
POPULATION = 8
DRAWS = 32


class Truth:
    """A simulated truth, whose weights are ``factor`` times the published ones and something of their own."""

    def __init__(self, factor: float, noise: float, interaction: float = 0.0, *, seed: int) -> None:
        random = np.random.default_rng(seed)
        prior = published_prior()
        # not the published weights themselves: those of another data set
        self.weights = factor * prior.mean + 0.15 * random.standard_normal(len(prior.mean))
        self.noise, self.interaction = noise, interaction
        self.random = np.random.default_rng(seed + 1000)
        self.space = read_space(SPACE)
        (self.product,) = self.space.products
        self.sizes = [slot.size for slot in self.product.slots]
        self.problem = make_problem(self.space, [METRICS["macs"], METRICS["top1"]], (), after([], "nothing"))

    def architecture(self, options: "np.ndarray | list[int]") -> ResNet:
        """Return the architecture of an option a stage."""
        return self.product.architecture([int(each) for each in options])  # type: ignore[return-value]

    def mean(self, architecture: ResNet) -> float:
        """Return the true mean accuracy."""
        own = (
            80
            + self.weights @ features(architecture)
            + self.interaction * float(pair_features(architecture) @ [1, -1, 1])
        )
        return float(own)

    def train(self, architecture: ResNet) -> float:
        """Return the accuracy of a run."""
        return self.mean(architecture) + self.noise * float(self.random.standard_normal())

    def macs(self, architecture: ResNet) -> float:
        """Return the multiply-accumulates."""
        return float(self.problem.of(architecture)[0])

    def front(self) -> np.ndarray:
        """Return the true front (log MACs, minus top-1): of each pattern of stages, merged stage by stage."""
        tables = (
            self.problem.fixed(self.product)[0],
            [self.problem.slot(self.product, s)[:, 0] for s in self.product.slots],
        )
        base = [0] * len(self.sizes)
        zero = self.architecture(base)
        gains, shares = [], []
        for i, size in enumerate(self.sizes):
            of_slot = []
            for option in range(size):
                chosen = base.copy()
                chosen[i] = option
                of_slot.append(self.weights @ (features(self.architecture(chosen)) - features(zero)))
            gains.append(np.array(of_slot))
            column = self.product.slots[i].columns[0]
            shares.append(np.array([hasattr(column.blocks[j].layer, "k") for j in column.index], float))
        best: list[np.ndarray] = []
        for letters in np.ndindex(*(2,) * len(self.sizes)):
            macs, top1 = np.array([tables[0]]), np.array([80 + self.weights @ features(zero)])
            pairs = np.array([a * b for a, b in pairwise(letters)], float)
            top1 = top1 + self.interaction * float(pairs @ [1, -1, 1])
            for i, letter in enumerate(letters):
                own = np.flatnonzero(shares[i] == letter)
                macs = (macs[:, None] + tables[1][i][None, own]).ravel()
                top1 = (top1[:, None] + gains[i][None, own]).ravel()
                kept = non_dominated(np.column_stack([macs, np.round(-top1, 9)]))
                macs, top1 = macs[kept], top1[kept]
            best.append(np.column_stack([np.log(macs), -top1]))
        points = np.concatenate(best)
        return points[non_dominated(points)]


def ours(truth: Truth, trainings: int, batch: int, seed: int, pairs: bool = False) -> Iterator[ResNet]:
    """Yield what the loop trains."""
    runs: list[Run] = []
    while len(runs) < trainings:
        model = after(runs, "simulated", pairs=pairs)
        done = {str(run.architecture) for run in runs}
        found = choose(
            truth.problem, model, min(batch, trainings - len(runs)), done=done, draws=DRAWS, seed=seed + len(runs)
        )
        if not len(found):
            return
        for each in found:
            runs.append(Run(each.architecture, OWN, truth.train(each.architecture)))
            yield each.architecture


def at_random(truth: Truth, trainings: int, batch: int, seed: int) -> Iterator[ResNet]:
    """Yield random architectures."""
    random = np.random.default_rng(seed)
    for _ in range(trainings):
        yield truth.architecture([random.integers(size) for size in truth.sizes])


def pymoo(truth: Truth, trainings: int, batch: int, seed: int) -> Iterator[ResNet]:
    """Yield what pymoo's NSGA-II trains."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    search = Problem(n_var=len(truth.sizes), n_obj=2, xl=0, xu=np.array(truth.sizes) - 1, vtype=int)
    algorithm = NSGA2(
        pop_size=POPULATION,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    algorithm.setup(search, seed=seed, verbose=False)
    done = 0
    while done < trainings:
        asked = algorithm.ask()
        values = []
        for row in asked.get("X").astype(int):
            architecture = truth.architecture(row)
            values.append([np.log(truth.macs(architecture)), -truth.train(architecture)])
            done += 1
            yield architecture
        asked.set("F", np.array(values))
        algorithm.tell(infills=asked)


def optuna_by(name: str):  # type: ignore[no-untyped-def]
    """Return the search by a sampler of Optuna's, with a parameter an option."""

    def search(truth: Truth, trainings: int, batch: int, seed: int) -> Iterator[ResNet]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {
            "TPE": lambda: optuna.samplers.TPESampler(seed=seed),
            "NSGA-II": lambda: optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed),
        }
        study = optuna.create_study(directions=["minimize", "maximize"], sampler=samplers[name]())
        by_settings = [
            {(type(b.layer).__name__, *(getattr(b.layer, n, None) for n in "khum")): i for i, b in enumerate(c.blocks)}
            for c in (slot.columns[0] for slot in truth.product.slots)
        ]
        for _ in range(trainings):
            trial = study.ask()
            options = []
            for i, slot in enumerate(truth.product.slots):
                layer = trial.suggest_categorical(f"c{i + 2}.layer", ["C", "L"])
                lists = {"k": [2, 4, 8, 16, 32], "h": [2, 4, 8, 16], "u": [1, 4, 8], "m": [3, 7, 15, 23, 31]}
                key: tuple[object, ...] = ("Convolution", None, None, None, None)
                if layer == "L":
                    key = ("Lambda", *(trial.suggest_categorical(f"c{i + 2}.{n}", lists[n]) for n in "khum"))
                block = by_settings[i][key]
                options.append(int(np.flatnonzero(slot.columns[0].index == block)[0]))
            architecture = truth.architecture(options)
            study.tell(trial, [np.log(truth.macs(architecture)), truth.train(architecture)])
            yield architecture

    return search


SEARCHES = {
    "lambda-arch": ours,
    "random": at_random,
    "pymoo NSGA-II": pymoo,
    "Optuna TPE": optuna_by("TPE"),
    "Optuna NSGA-II": optuna_by("NSGA-II"),
}


def curve(truth: Truth, trained: list[ResNet], front: np.ndarray, trainings: int) -> np.ndarray:
    """Return the share of the true front's hypervolume after each training."""
    import moocore

    low, high = front.min(axis=0), front.max(axis=0)
    reference = high + 0.1 * (high - low)
    whole = moocore.hypervolume(front, ref=reference)
    points = np.array([[np.log(truth.macs(each)), -truth.mean(each)] for each in trained])
    found = [moocore.hypervolume(points[: i + 1], ref=reference) / whole for i in range(len(points))]
    return np.array(found + [found[-1]] * (trainings - len(found)))[:trainings]


def main() -> None:
    """Run all searches on all truths."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--truth", action="append", choices=list(TRUTHS), help="only this truth; can be repeated")
    parser.add_argument("--curves", type=Path, help="keep the curves in this file, beside those of other truths")
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    curves: dict[str, dict[str, np.ndarray]] = read_curves(asked.curves)
    looks = [n for n in (asked.batch, 12, 20, asked.trainings) if n <= asked.trainings]
    print(
        f"Share of the true front's hypervolume, median (quartiles) of {asked.seeds} seeds; {SPACE}, MACs and top-1.\n"
    )
    print("| truth | search | " + " | ".join(f"{n} trainings" for n in looks) + " |")
    print("|:---|:---|" + "---:|" * len(looks))
    for name in asked.truth or TRUTHS:
        settings = TRUTHS[name]
        curves[name] = {}
        for search, make in SEARCHES.items():
            found = []
            for seed in range(asked.seeds):
                truth = Truth(**settings, seed=seed)
                trained = list(make(truth, asked.trainings, asked.batch, seed))
                found.append(curve(truth, trained, truth.front(), asked.trainings))
            values = curves[name][search] = np.array(found)
            low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
            cells = [f"{middle[n - 1]:.1%} ({low[n - 1]:.1%} to {high[n - 1]:.1%})" for n in looks]
            print(f"| {name} | {search} | " + " | ".join(cells) + " |", flush=True)
        if asked.curves is not None:
            named = {f"{truth}/{search}": values for truth, each in curves.items() for search, values in each.items()}
            np.savez(asked.curves, **named)
    if asked.plot is not None:
        draw(curves, asked.plot)


def read_curves(path: Path | None) -> dict[str, dict[str, np.ndarray]]:
    """Return the curves kept in a file, by truth and search; none where there is no file."""
    curves: dict[str, dict[str, np.ndarray]] = {}
    if path is not None and path.exists():
        with np.load(path) as kept:
            for key in kept.files:
                truth, search = key.split("/")
                curves.setdefault(truth, {})[search] = kept[key]
    return curves


def draw(curves: dict[str, dict[str, np.ndarray]], path: Path) -> None:
    """Draw medians and quartiles over trainings, a panel a truth."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (truth, of_truth) in zip(
        figure.subplots(2, 2, sharex=True, sharey=True).flat, curves.items(), strict=False
    ):
        for search, values in of_truth.items():
            low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
            number = np.arange(1, len(middle) + 1)
            axes.plot(number, middle, label=search)
            axes.fill_between(number, low, high, alpha=0.15)
        axes.set_title(truth)
        axes.grid(alpha=0.3)
    axes.legend()
    figure.supxlabel("trained networks")
    figure.supylabel("hypervolume / that of the true front")
    figure.savefig(path)


if __name__ == "__main__":
    main()
