"""The loop and other searches, as endless iterators of the architectures that they train."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.loop_truths import Truth
from lambda_arch.arch import ResNet
from lambda_arch.searching.learning import after
from lambda_arch.searching.posterior import learn
from lambda_arch.searching.proposals import choose
from lambda_arch.searching.study_parameters import Parameters
from lambda_arch.searching.training_runs import OWN, Run

Search = Callable[[Truth, int, int], Iterator[ResNet]]
"""Of a truth, the size of a batch, and a seed."""
POPULATION = 8
DRAWS = 32


def loop(*, prior: bool = True, pairs: bool = False) -> Search:
    """Return the loop, with or without the published runs as its prior, and with or without interactions."""

    def search(truth: Truth, batch: int, seed: int) -> Iterator[ResNet]:
        runs: list[Run] = []
        while True:
            if prior:
                model = after(runs, "simulated", pairs=pairs)
            else:
                model = learn(runs, "simulated", pairs=pairs, recipes=[OWN])
            done = {str(run.architecture) for run in runs}
            found = choose(truth.problem, model, batch, done=done, draws=DRAWS, seed=seed + len(runs))
            if not len(found):
                return
            for each in found:
                runs.append(Run(each.architecture, OWN, truth.train(each.architecture)))
                yield each.architecture

    return search


def at_random(truth: Truth, batch: int, seed: int) -> Iterator[ResNet]:
    """Yield random architectures."""
    random = np.random.default_rng(seed)
    while True:
        yield truth.architecture([random.integers(size) for size in truth.sizes])


def pymoo(truth: Truth, batch: int, seed: int) -> Iterator[ResNet]:
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
    while True:
        asked = algorithm.ask()
        if not len(asked):
            return
        values = []
        for row in asked.get("X").astype(int):
            architecture = truth.architecture(row)
            values.append([np.log(truth.macs(architecture)), -truth.train(architecture)])
            yield architecture
        asked.set("F", np.array(values))
        algorithm.tell(infills=asked)


def optuna_by(name: str) -> Search:
    """Return the search by a sampler of Optuna's, with a parameter an option."""

    def search(truth: Truth, batch: int, seed: int) -> Iterator[ResNet]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {
            "TPE": lambda: optuna.samplers.TPESampler(seed=seed),
            "NSGA-II": lambda: optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed),
        }
        study = optuna.create_study(directions=["minimize", "maximize"], sampler=samplers[name]())
        parameters = Parameters.of(truth.space)
        options = [slot_options(truth, i, parameters) for i in range(len(truth.sizes))]
        while True:
            trial = study.ask()
            chosen = []
            for i, by_settings in enumerate(options):
                prefix = f"c{i + 2}."
                layer = trial.suggest_categorical(f"{prefix}layer", parameters.values[f"{prefix}layer"])
                settings: dict[str, object] = {f"{prefix}layer": layer}
                for parameter, values in parameters.values.items():
                    own = tuple(value for value in values if value is not None)
                    if layer == "L" and parameter.startswith(prefix) and parameter not in settings:
                        settings[parameter] = trial.suggest_categorical(parameter, own) if len(own) > 1 else own[0]
                chosen.append(by_settings[frozenset(settings.items())])
            architecture = truth.architecture(chosen)
            study.tell(trial, [np.log(truth.macs(architecture)), truth.train(architecture)])
            yield architecture

    return search


def slot_options(truth: Truth, stage: int, parameters: Parameters) -> dict[frozenset[tuple[str, object]], int]:
    """Return the option of a stage for its parameters, those that are None left out."""
    found = {}
    for option in range(truth.sizes[stage]):
        options = [option if i == stage else 0 for i in range(len(truth.sizes))]
        settings = parameters.settings(truth.architecture(options))
        own = {name: value for name, value in settings.items() if name.startswith(f"c{stage + 2}.")}
        found[frozenset((name, value) for name, value in own.items() if value is not None)] = option
    return found


OURS = "lambda-arch"
SEARCHES: dict[str, Search] = {
    OURS: loop(),
    "lambda-arch, pairs": loop(pairs=True),
    "lambda-arch, no published runs": loop(prior=False),
    "random": at_random,
    "pymoo NSGA-II": pymoo,
    "Optuna TPE": optuna_by("TPE"),
    "Optuna NSGA-II": optuna_by("NSGA-II"),
}
