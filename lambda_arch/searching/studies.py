"""Proposals as trials of an Optuna study, and a study's finished trials as runs. Optuna is imported when it is used.

A study has one parameter per option of the space, our objectives' directions, and as user attributes of each trial the
architecture's name, its metrics, and why it was proposed. Bounds are constraints: at most 0 where they are kept.
"""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_arch.arch import parse
from lambda_arch.errors import ArchitectureError, DataError, SetupError
from lambda_arch.searching.optimization import Problem
from lambda_arch.searching.part_costs import COUNTED
from lambda_arch.searching.study_parameters import Parameters
from lambda_arch.searching.training_runs import OWN, Run, is_modelled

if TYPE_CHECKING:
    from lambda_arch.searching.proposals import Proposals

NAME = "lambda-arch"
"""The study of a URL that names none."""


def check_study(url: str) -> None:
    """Raise :class:`lambda_arch.DataError` or OSError for a study that cannot be opened or made."""
    _storage(_optuna(), url)


def enqueue(url: str, proposals: "Proposals") -> int:
    """Add proposals as waiting trials to the study of ``url``, and return how many it did not have yet.

    ``url``: ``sqlite:///FILE`` or another database, or ``journal:FILE``; ``#NAME`` at its end names the study. A study
    that is not there is created. Raises :class:`lambda_arch.DataError` for a study of another space or with other
    objectives, and :class:`lambda_arch.SetupError` without Optuna.
    """
    optuna = _optuna()
    problem = proposals.problem
    study = _create(optuna, url, problem)
    parameters = Parameters.of(problem.space)
    distributions = {
        name: optuna.distributions.CategoricalDistribution(values) for name, values in parameters.values.items()
    }
    known = {trial.user_attrs.get("architecture") for trial in study.get_trials(deepcopy=False)}
    added = 0
    for proposal in proposals:
        name = str(proposal.architecture)
        if name in known:
            continue
        predicted = proposal.prediction
        figures: dict[str, Any] = {"why": proposal.why, "probability": round(proposal.probability, 4)}
        if proposals.posterior.knows_level:
            figures |= {"top1_predicted": round(predicted.top1, 4), "top1_interval": round(predicted.interval, 4)}
        figures |= {
            metric: int(value) if metric in COUNTED else value
            for metric, value in proposal.values.items()
            if metric != "top1"
        }
        params = parameters.settings(proposal.architecture)
        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState.WAITING,
            params=params,
            distributions={key: distributions[key] for key in params},
            user_attrs={"architecture": name, **figures},
            system_attrs={"fixed_params": params, "constraints": excesses(problem, proposal.values)},
        )
        study.add_trial(trial)
        added += 1
    return added


def finished_runs(url: str) -> tuple[list[Run], set[str], set[str]]:
    """Return a study's finished trials as runs, the names of all its architectures, and of those under way.

    Raises :class:`lambda_arch.DataError` for a study that is not there, or without top1 among its objectives.
    """
    optuna = _optuna()
    if (file := _file(url)) is not None and not file.exists():
        raise DataError(f"study:{url}: no such file; expected a study that study=URL made")
    storage, name = _storage(optuna, url)
    try:
        study = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        others = [each.study_name for each in storage.get_all_studies()]
        raise DataError(
            f"study:{url}: no study {name}; expected {' or '.join(others) or 'one that study=URL made'}"
        ) from None
    objectives = study.metric_names or []
    if "top1" not in objectives:
        raise DataError(
            f"study:{url}: its objectives are {', '.join(objectives) or 'unnamed'}; expected top1 among them"
        )
    runs: list[Run] = []
    names: set[str] = set()
    pending: set[str] = set()
    for trial in study.get_trials(deepcopy=False):
        written = trial.user_attrs.get("architecture")
        if written is None:
            continue
        try:
            architecture = parse(str(written))
        except ArchitectureError as error:
            raise DataError(f"study:{url}, trial {trial.number}: {error}") from None
        names.add(str(architecture))
        if not trial.state.is_finished():
            pending.add(str(architecture))
        if trial.state == optuna.trial.TrialState.COMPLETE and is_modelled(architecture):
            top1 = float(trial.values[objectives.index("top1")])
            if not 0 <= top1 <= 100:
                raise DataError(f"study:{url}, trial {trial.number}: top1={top1:g}: expected percent from 0 to 100")
            runs.append(Run(architecture, OWN, top1))
    return runs, names, pending


def excesses(problem: Problem, values: Mapping[str, float]) -> list[float]:
    """Return by how much each bound is exceeded, in the order of the bounds: at most 0 where it is kept."""
    return [
        (values[each.metric.name] - each.bound) * (1 if each.relation == "<=" else -1) for each in problem.constraints
    ]


def _create(optuna: Any, url: str, problem: Problem) -> Any:
    storage, name = _storage(optuna, url)
    directions = ["minimize" if metric.better == "min" else "maximize" for metric in problem.objectives]
    study = optuna.create_study(study_name=name, storage=storage, directions=directions, load_if_exists=True)
    about = {
        "space": problem.space.name,
        "objectives": [metric.name for metric in problem.objectives],
        "constraints": [str(constraint) for constraint in problem.constraints],
    }
    for key, value in about.items():
        if study.user_attrs.get(key, value) != value:
            raise DataError(
                f"study={url}: {key} was {study.user_attrs[key]} there and is {value} now; expected the same"
            )
    for key, value in about.items():
        study.set_user_attr(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls names of objectives experimental
        study.set_metric_names(about["objectives"])
    return study


def _storage(optuna: Any, url: str) -> tuple[Any, str]:
    """Return the storage of a URL and the name of the study."""
    where, _, name = url.partition("#")
    kind, _, path = where.partition(":")
    try:
        if kind == "journal":
            from optuna.storages.journal import JournalFileBackend

            return optuna.storages.JournalStorage(JournalFileBackend(path)), name or NAME
        return optuna.storages.get_storage(where), name or NAME
    except Exception as error:  # SQLAlchemy's, of many kinds
        if isinstance(error, OSError):
            raise
        reason = " ".join(str(error).partition("(Background on")[0].split())
        raise DataError(f"study={url}: {reason[:200]}; expected sqlite:///FILE or journal:FILE") from None


def _file(url: str) -> Path | None:
    """Return the file of a URL, None where it names a server."""
    where = url.partition("#")[0]
    found = re.fullmatch(r"(?:journal:|sqlite(?:\+\w+)?:///)([^?]+)(?:\?.*)?", where)
    return Path(found[1]) if found else None


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise SetupError("study: needs Optuna; expected `pip install 'lambda-arch[study]'`") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
