"""Runs in the store: kept while they go on, and found again. Torch is imported where the machine is described."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path

from lambda_arch.store.connection import Store
from lambda_arch.store.keys import now
from lambda_arch.store.machines import keep_machine, read_machine
from lambda_arch.store.measurements import UNREADABLE
from lambda_arch.store.runs import Run, keep_run, read_runs
from lambda_arch.store.setup import device_name
from lambda_arch.training.recipe import SETTINGS, Recipe
from lambda_arch.training.recipe_file import NamedRecipe
from lambda_arch.training.runs import Epoch, Runs, RunStatus, TrainingRun
from lambda_arch.training.session import Session

Keep = Callable[[TrainingRun], None]


def keeper(store: Store, session: Session) -> tuple[Keep, str]:
    """Return the function that keeps the state of a run, as often as it is called; and the name of the device."""
    from lambda_arch.timing.worker.machine import describe_machine

    machine = describe_machine(device_name(session.device))
    fingerprint = keep_machine(store, {**machine.as_dict(), "fingerprint": machine.fingerprint})
    started = now()
    how = {name: value for name, value in asdict(session).items() if name in IDENTITY}

    def keep(run: TrainingRun) -> None:
        keep_run(
            store,
            Run(
                architecture=run.architecture,
                recipe=run.recipe.name,
                settings=run.recipe.recipe.as_dict(),
                data=run.data,
                digest=run.digest,
                seed=run.seed,
                session=how,
                fingerprint=fingerprint,
                started=started,
                status=run.status,
                epochs=[asdict(epoch) for epoch in run.epochs],
                folder=str(run.folder.resolve()),
            ),
        )

    return keep, machine.device_name


IDENTITY = ("device", "evaluation", "channels_last", "compile")
"""What of a session a run's key has: it may change the last digits of its figures."""


def find_runs(store: Store, *, data: str | None = None, recipe: str | None = None) -> Runs:
    """Return the runs in ``store``, all or those on the data set ``data`` or by the recipe ``recipe``, by name.

    Runs that this version cannot read, such as those of another version's recipe, are left out. Raises
    :class:`StoreError` for a store that cannot be read.
    """
    found = []
    for kept in read_runs(store):
        if data in (None, kept.data) and recipe in (None, kept.recipe):
            with suppress(*UNREADABLE):
                found.append(read_run(kept, store))
    return Runs(tuple(found))


def read_run(kept: Run, store: Store) -> TrainingRun:
    """Return a run as it was trained; raises one of ``UNREADABLE`` for one that this version cannot read."""
    known = {name: value for name, value in kept.settings.items() if name in SETTINGS}
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    names = {each.name for each in fields(Epoch)}
    machine = read_machine(store, kept.fingerprint)
    return TrainingRun(
        architecture=kept.architecture,
        recipe=NamedRecipe(kept.recipe, Recipe(**known)),
        data=kept.data,
        digest=kept.digest,
        seed=kept.seed,
        status=RunStatus(kept.status),
        epochs=tuple(Epoch(**{name: epoch[name] for name in names}) for epoch in kept.epochs),
        folder=Path(kept.folder),
        device=str(machine["device_name"]),
        node=kept.node,
        started=kept.started,
        machine=machine,
    )
