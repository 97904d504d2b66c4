"""The search verb: it reads the arguments and chooses the engine."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lambda_arch.errors import LambdaArchError, SetupError
from lambda_arch.searching.accuracy import model_of
from lambda_arch.searching.built_in_spaces import DEFAULT_SPACE
from lambda_arch.searching.enumeration import LIMIT, enumerate_front
from lambda_arch.searching.evolution import evolve
from lambda_arch.searching.exact import exact_front
from lambda_arch.searching.front import Front
from lambda_arch.searching.latency import Latency, check_default
from lambda_arch.searching.linear_model import LinearModel
from lambda_arch.searching.metrics import METRICS
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.reading import read_problem
from lambda_arch.searching.search_space import Space
from lambda_arch.searching.user_function import NetworkCost, read_function, source_of
from lambda_arch.searching.whole_networks import Measure, WholeLatencies, machine_of
from lambda_arch.searching.within_tolerance import check_tolerance, front_within, is_vast
from lambda_arch.store.setup import Setup

EVALUATIONS = 400
"""Networks that an evolutionary search evaluates unless told otherwise."""

Progress = Callable[[int, int], None]
"""Called with the number of steps done and the total."""


def search(
    space: Space | str = DEFAULT_SPACE,
    *,
    minimize: Sequence[str] | str | None = None,
    maximize: Sequence[str] | str | None = None,
    where: Sequence[str] | str = (),
    accuracy: LinearModel | Path | str | None = None,
    with_published: bool = False,
    latency: Latency | None = None,
    function: NetworkCost | str | None = None,
    measure: bool | Measure = False,
    machine: str | None = None,
    strict: bool = False,
    evaluations: int | None = None,
    seed: int | None = None,
    tolerance: float | None = None,
    record: Path | str | None = None,
    store: Path | str | None = None,
    device: str = "cpu",
    batch_size: int = 1,
    dtype: str = "fp32",
    mode: str = "inference",
    threads: int = 0,
    clock: str = "wall",
    progress: Progress | None = None,
) -> Front:
    """Return the Pareto front of a ``space``: a built-in one by name, a TOML file, or a :class:`Space`.

    ``minimize`` and ``maximize`` name metrics (MACs against top1 unless given), ``where`` has bounds such as
    ``params<=16M``. ``accuracy`` is what top1 is predicted by: the published runs (``published``, the default), a CSV
    of your own (``with_published``: and those), the runs in the ``store`` (``store``), or a model. ``latency`` is a
    calibration; unless given, the ``store``'s for the setup: ``device``, ``batch_size``, ``dtype``, ``mode``,
    ``threads`` and ``clock``. ``strict``: refuse a calibration that is noisy or was disturbed in any part of the space.

    With ``function``, an objective of your own to minimise (a callable from an architecture to a number, or
    ``FILE.py:NAME``), or ``measure``, whole networks timed as the search goes, NSGA-II evaluates ``evaluations``
    networks (400 unless given) drawn from ``seed`` (0); ``record`` is a file that keeps them, and from which the same
    search goes on, or ``store``, which keeps them in the ``store`` for every search with the same objectives, function
    and models. ``measure`` may be a function that measures a generation at once, as :func:`lambda_arch.measure` does,
    on the device with the fingerprint ``machine``.

    With ``tolerance``, such as 0.02, every architecture has a member that is worse by at most that share: see
    :mod:`~lambda_arch.searching.within_tolerance`. It is for spaces too large for an exact front; the
    largest have one of 0.005 unless told otherwise.

    Raises :class:`lambda_arch.LambdaArchError` for what cannot be searched, and OSError.
    """

    setup: dict[str, Any] = {"device": device, "batch_size": batch_size, "dtype": dtype, "mode": mode}
    setup |= {"threads": threads, "clock": clock}
    if tolerance is not None and (function is not None or measure):
        raise LambdaArchError(f"tolerance={tolerance:g}: only for a search without function and measure")
    functions: dict[str, NetworkCost] = {}
    if function is not None:
        name, call = read_function(function)
        if name in METRICS:
            raise LambdaArchError(f"function={function}: {name} is a metric already; expected another name")
        functions[name] = call
    if measure:
        functions["latency"] = whole = WholeLatencies(Setup(**setup), store, measure if callable(measure) else None)
    if with_published and isinstance(accuracy, LinearModel | None):
        raise LambdaArchError("with_published=True: expected accuracy=FILE with your runs too")
    model = partial(model_of, accuracy, with_published=with_published, store=store)
    problem = read_problem(space, minimize, maximize, where, model, latency, setup, store, functions)
    if strict:
        _check_sound(problem)
    if problem.costs.timed is None:
        check_default(setup)
    if functions:
        number = EVALUATIONS if evaluations is None else evaluations
        evaluated = None if progress is None else _counter(progress, number)
        about = {} if record is None else _about(problem, function)
        if about and measure:
            about["machine"] = machine or machine_of(device, store)
        return evolve(
            problem,
            evaluations=number,
            seed=seed or 0,
            record=record,
            store=store,
            about=about,
            beforehand=whole.measure if callable(measure) else None,
            evaluated=evaluated,
        )
    for name, value in {"record": record, "evaluations": evaluations, "seed": seed}.items():
        if value is not None:
            others = " or propose=N" if name == "seed" else ""
            raise LambdaArchError(
                f"{name}={value}: only for a search with function=FILE.py:NAME or measure=True{others}"
            )
    return find_front(problem, tolerance=tolerance, progress=progress)


def _about(problem: Problem, function: NetworkCost | str | None) -> dict[str, str | None]:
    """Return what recorded evaluations depend on."""
    costs = problem.costs
    return {
        "function": source_of(function) if function is not None else None,
        "accuracy": costs.accuracy.digest if costs.accuracy is not None else None,
        "setup": costs.timed.setup if costs.timed is not None else None,
        "calibration": costs.latency.digest if costs.latency is not None else None,
    }


def _check_sound(problem: Problem) -> None:
    """Raise :class:`SetupError` for calibrated parts of the space that are noisy or were disturbed."""
    if problem.costs.latency is None:
        raise LambdaArchError("strict=True: expected calibrated latencies, of minimize=latency without measure=True")
    if problem.doubts:
        part, warnings = next(iter(problem.doubts.items()))
        raise SetupError(
            f"{problem.space.name}: {len(problem.doubts)} of its parts are not sound, such as {part} ({warnings[0]}); "
            "expected `lambda-arch calibrate` on a quiet machine, for longer, or no strict=True"
        )


def find_front(problem: Problem, *, tolerance: float | None = None, progress: Progress | None = None) -> Front:
    """Return the front of a problem whose objectives decompose into parts; small spaces are enumerated.

    With a ``tolerance`` that of large spaces is found within it, and those that are too large to be searched without
    have one of :data:`~lambda_arch.searching.within_tolerance.DEFAULT`.

    Raises :class:`lambda_arch.LambdaArchError` for a problem that cannot be searched.
    """
    if tolerance is not None:
        check_tolerance(tolerance)
    if problem.space.size <= LIMIT:
        return enumerate_front(problem)
    if tolerance is not None or is_vast(problem.space):
        steps = _counter(progress, len(problem.space.products)) if progress is not None else lambda: None
        return front_within(problem, tolerance, steps)
    if progress is None:
        return exact_front(problem)
    return exact_front(problem, step=_counter(progress, sum(len(each.slots) for each in problem.space.products)))


def _counter(progress: Progress, total: int) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    return step
