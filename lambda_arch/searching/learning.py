"""What is believed after a user's runs, with the published ones as the prior."""

from dataclasses import dataclass
from pathlib import Path

from lambda_arch.searching.posterior import Posterior, learn, published_posterior, published_prior
from lambda_arch.searching.training_runs import OWN, Run, read_runs, stored_runs
from lambda_arch.store.connection import Store

PRIOR = "with the paper's runs as the prior"


@dataclass(frozen=True)
class Evidence:
    """What is believed, and the names of the architectures not to train again: ``done``, and ``pending``, under way."""

    posterior: Posterior
    done: set[str]
    pending: set[str]


def read_evidence(
    given: Posterior | Path | str | None, *, pairs: bool = False, store: Path | str | None = None
) -> Evidence:
    """Return what is known after the runs that are ``given``.

    ``given``: None or ``published``, a CSV, ``store`` or ``store:DATA``, ``study:URL``, or a posterior itself.
    Raises :class:`DataError` for a file that is wrong, and OSError.
    """
    if isinstance(given, Posterior):
        return Evidence(given, {str(architecture) for architecture in given.trained}, set())
    if given is None or given == "published":
        return Evidence(published_posterior(), set(), set())
    kind, _, rest = str(given).partition(":")
    if kind == "study":
        from lambda_arch.searching.studies import finished_runs

        runs, names, pending = finished_runs(rest)
        return Evidence(after(runs, f"trials of {rest}", pairs=pairs), names, pending)
    if kind == "store":
        with Store(store, create=False) as opened:
            runs, name = stored_runs(opened, rest)
        source = f"trained here on {name}"
    else:
        runs, source = read_runs(Path(given)), Path(given).name
    done = {str(run.architecture) for run in runs if run.recipe == OWN}
    return Evidence(after(runs, source, pairs=pairs), done, set())


def after(runs: list[Run], source: str, *, pairs: bool = False) -> Posterior:
    """Return what is believed after a user's runs, few or none, from ``source``."""
    number = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
    return learn(runs, f"{number} ({source}), {PRIOR}", published_prior(), pairs=pairs, recipes=[OWN])
