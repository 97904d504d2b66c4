"""Training on a cluster: each run by one process on one accelerator, several runs at a time."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lambda_arch.arch import Architecture
from lambda_arch.cluster.connection import connected
from lambda_arch.cluster.progress import Progress
from lambda_arch.cluster.scheduling import carry_out
from lambda_arch.cluster.threads import kind_of, training_threads
from lambda_arch.errors import SetupError, TrainingError
from lambda_arch.files import atomic_write
from lambda_arch.store.connection import Store
from lambda_arch.store.keys import digest
from lambda_arch.store.runs import Run, read_runs
from lambda_arch.timing.arguments import StoreLike, opened
from lambda_arch.timing.machines import fingerprint_of
from lambda_arch.training.data import Data
from lambda_arch.training.keeping import IDENTITY, read_run
from lambda_arch.training.recipe import Recipe
from lambda_arch.training.recipe_file import NamedRecipe
from lambda_arch.training.runs import FINAL, LOG, RECIPE, Runs, RunStatus, run_folder
from lambda_arch.training.session import Session
from lambda_arch.training.verbs import read_architectures, read_data, read_recipe
from lambda_arch.training.verbs import train as train_here


@dataclass(frozen=True)
class Training:
    """A :class:`Work`: a run of one architecture. ``data``: what :func:`lambda_arch.train` takes on the node.

    ``data_digest``: of its images, as the driver has them. ``more``: other arguments of :func:`lambda_arch.train`.
    """

    architecture: Architecture
    data: Data | str
    data_digest: str
    recipe: NamedRecipe
    seed: int
    session: Session
    output: str
    threads: int
    more: Mapping[str, Any]

    undisturbed = False

    @property
    def name(self) -> str:
        """The architecture."""
        return str(self.architecture)

    @property
    def key(self) -> str:
        """A digest of everything that the run depends on."""
        return digest({"work": "training", "run": self._run("").uid, "more": {**self.more}})

    @property
    def device(self) -> str:
        """The kind of device: cpu or cuda."""
        return self.session.device

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        return run_folder(Path(self.output), str(self.architecture), self.recipe.name, self.seed)

    def _run(self, fingerprint: str) -> Run:
        return Run(
            architecture=str(self.architecture),
            recipe=self.recipe.name,
            settings=self.recipe.recipe.as_dict(),
            data="",
            digest=self.data_digest,
            seed=self.seed,
            session={name: value for name, value in asdict(self.session).items() if name in IDENTITY},
            fingerprint=fingerprint,
            started="",
            status="",
            epochs=(),
            folder="",
        )

    def fingerprint(self, store: Store) -> str:
        """Return that of this machine as seen from the device."""
        return fingerprint_of(store, self.device)

    def find(self, store: Store, fingerprints: Collection[str]) -> list[str] | None:
        """Return the uid of the run if it is over, of whatever machine; a finished one has to have its weights here."""
        mine = [run for run in read_runs(store) if run.uid == self._run(run.fingerprint).uid and self._is_over(run)]
        return [mine[-1].uid] if mine else None

    def _is_over(self, run: Run) -> bool:
        if run.status in (RunStatus.FINISHED, RunStatus.NOT_FINITE):
            return run.status == RunStatus.NOT_FINITE or (self.folder / FINAL).is_file()
        stop = self.more.get("stop_epoch")
        return stop is not None and len(run.epochs) >= stop and run.status != RunStatus.RUNNING

    def has_begun(self) -> bool:
        """Return whether there is a checkpoint here."""
        return any(self.folder.glob("checkpoint-*"))  # as training.checkpoints names them, which imports torch

    def run(self, store: Store) -> list[str]:
        """Train here, from the last checkpoint if there is one."""
        with suppress(TrainingError):  # its loss is not finite: the store says so
            train_here(
                self.architecture,
                self.data,
                self.recipe,
                output=self.output,
                seed=self.seed,
                resume=True,
                store=store,
                **{**asdict(self.session), **self.more},
            )
        mine = [run.uid for run in read_runs(store) if run.uid == self._run(run.fingerprint).uid]
        return mine[-1:]

    def related(self, store: Store, uids: Sequence[str]) -> list[str]:
        """Return the run alone."""
        return list(uids)

    def files(self, store: Store, uids: Sequence[str]) -> Mapping[str, bytes]:
        """Return weights, recipe and log."""
        return {
            name: (self.folder / name).read_bytes() for name in (FINAL, RECIPE, LOG) if (self.folder / name).is_file()
        }

    def keep(self, files: Mapping[str, bytes]) -> None:
        """Write the files where the driver runs, unless they are there (on the same machine, or a shared folder)."""
        for name, content in files.items():
            path = self.folder / name
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(path, content)


def train(
    architectures: Architecture | str | Sequence[Architecture | str],
    data: Data | str | Path,
    recipe: Recipe | NamedRecipe | str,
    *,
    cluster: str = "local",
    resource: str = "",
    output: Path | str = "runs",
    seed: int = 0,
    resume: bool = False,
    device: str = "cpu",
    evaluation: str = "auto",
    channels_last: bool = False,
    compile: bool = False,  # noqa: A002  as torch calls it
    workers: int = 0,
    hours: float = 0.0,
    limit_images: int | None = None,
    skip_damaged: bool = False,
    stop_epoch: int | None = None,
    progress: Progress = None,
    store: StoreLike = None,
    **overrides: object,
) -> Runs:
    """Train as :func:`lambda_arch.train` does, on the nodes of ``cluster`` (see :func:`connected`), several at a time.

    ``data`` has to be where the driver and the nodes find it, under the same path; ``output`` is a path on each node,
    where checkpoints stay, best in a folder that all share. Weights, recipe and log come back to the driver's.
    ``hours`` counts for each run. ``resource``: only on nodes with this resource of Ray.

    Raises what :func:`lambda_arch.train` raises, after all others are done; and :class:`SetupError` without Ray,
    without such a cluster, and for runs that failed. What was finished is in ``store``.
    """
    chosen = read_architectures(architectures)
    named = read_recipe(recipe, overrides)
    loaded = read_data(data, limit_images)
    for architecture in chosen:
        loaded.check(architecture)
    if not 0 <= seed < 2**63:
        raise SetupError(f"seed={seed}: expected a whole number from 0 to 2**63 - 1")
    session = Session(kind_of(device), evaluation, channels_last, compile, workers, hours, skip_damaged)
    more: dict[str, Any] = {} if limit_images is None or isinstance(data, Data) else {"limit_images": limit_images}
    more |= {} if stop_epoch is None else {"stop_epoch": stop_epoch}
    sent = loaded if isinstance(data, Data) else _absolute(data)
    with connected(cluster) as ray, opened(store) as kept:
        threads = training_threads(ray, len(chosen)) if session.device == "cpu" else 0
        place = str(Path(output).resolve())
        works = [Training(each, sent, loaded.digest, named, seed, session, place, threads, more) for each in chosen]
        for work in works:
            if work.folder.exists() and any(work.folder.iterdir()) and not resume:
                raise SetupError(f"{work.folder}: has a run; expected resume=True to continue it, or another output")
        carried = carry_out(works, kept, cluster=cluster, resource=resource, progress=progress)
        if not carried.interrupted:
            carried.check()
        by_uid = {run.uid: run for run in read_runs(kept)}
        uids = [uid for work in works for uid in carried.uids.get(work.key, ())]
        runs = tuple(read_run(by_uid[uid], kept) for uid in uids)
    diverged = next((run for run in runs if run.status == RunStatus.NOT_FINITE), None)
    if diverged is not None and not carried.interrupted:
        raise TrainingError(f"{diverged.architecture}: its loss is not finite; expected a lower lr, or clip_grad")
    return Runs(runs, carried.interrupted)


def _absolute(data: str | Path) -> str:
    return str(Path(data).resolve()) if Path(data).exists() else str(data)
