"""What is believed after a user's runs, with the published ones as the prior."""

from pathlib import Path

from lambda_arch.searching.posterior import Posterior, learn, published_posterior, published_prior
from lambda_arch.searching.training_runs import OWN, Run, read_runs, stored_runs
from lambda_arch.store.connection import Store

PRIOR = "with the paper's runs as the prior"


def posterior_of(
    given: Posterior | Path | str | None, *, pairs: bool = False, store: Path | str | None = None
) -> tuple[Posterior, set[str]]:
    """Return what is believed after the runs that are ``given``, and the names of the architectures that have runs.

    ``given``: None or ``published``, a CSV, ``store`` or ``store:DATA``, ``study:URL``, or a posterior itself.
    Raises :class:`DataError` for a file that is wrong, and OSError.
    """
    if isinstance(given, Posterior):
        return given, {str(architecture) for architecture in given.trained}
    if given is None or given == "published":
        return published_posterior(), set()
    kind, _, rest = str(given).partition(":")
    if kind == "study":
        from lambda_arch.searching.studies import finished_runs

        runs, names = finished_runs(rest)
        return after(runs, f"trials of {rest}", pairs=pairs), names
    if kind == "store":
        with Store(store, create=False) as opened:
            runs, name = stored_runs(opened, rest)
        source = f"trained here on {name}"
    else:
        runs, source = read_runs(Path(given)), Path(given).name
    return after(runs, source, pairs=pairs), {str(run.architecture) for run in runs if run.recipe == OWN}


def after(runs: list[Run], source: str, *, pairs: bool = False) -> Posterior:
    """Return what is believed after a user's runs, few or none, from ``source``."""
    number = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
    return learn(runs, f"{number} ({source}), {PRIOR}", published_prior(), pairs=pairs, recipes=[OWN])
