"""What runs on a node: it does a work with the node's store, and returns the rows of that work."""

import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from lambda_arch import __version__
from lambda_arch.arch import register
from lambda_arch.cluster.work import Work
from lambda_arch.errors import LambdaArchError, StoreError
from lambda_arch.store.connection import Store
from lambda_arch.store.machines import read_machine
from lambda_arch.store.merging import merge

FOLDER = "LAMBDA_ARCH_NODE_FOLDER"
"""The environment variable with the folder of a node's store; by default one in the folder of temporary files."""


@dataclass(frozen=True)
class Answer:
    """What a node returns: the ``rows`` of a work as the bytes of a store, their ``uids``, and files.

    ``place`` is its id in Ray. ``error`` says why there are no rows; ``unusable``: because the node cannot write.
    """

    node: str
    uids: tuple[str, ...] | None = None
    rows: bytes = field(default=b"", repr=False)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    error: Exception | None = None
    unusable: bool = False
    place: str = ""


@dataclass(frozen=True)
class Look:
    """A look at a node: its version, its ``device`` by name and fingerprint, and answers that it already has, by key.

    ``begun`` are the keys of works that it has begun; ``error`` says why it cannot be used.
    """

    node: str
    version: str
    device: str = ""
    fingerprint: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()
    error: Exception | None = None


def look(works: Sequence[Work], extensions: Sequence[str] = (), *, described: bool = True) -> Look:
    """Return which of ``works`` this node has done before, and if ``described`` its device, which takes seconds.

    ``extensions`` are registered first.
    """
    _register(extensions)
    name = platform.node()
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":  # Ray's, for a task without a GPU
        del os.environ["CUDA_VISIBLE_DEVICES"]
    try:
        with node_store() as store:
            fingerprint = works[0].fingerprint(store) if described else ""
            device = str(read_machine(store, fingerprint)["device_name"]) if described else ""
            found = [(work, work.find(store, [fingerprint])) for work in works]
            answers = {work.key: answer_of(work, store, uids) for work, uids in found if uids is not None}
            begun = frozenset(work.key for work in works if work.has_begun())
    except (LambdaArchError, OSError) as error:
        return Look(name, __version__, error=error)
    return Look(name, __version__, device, fingerprint, answers, begun)


def carry_out(work: Work, extensions: Sequence[str] = ()) -> Answer:
    """Do ``work`` here, alone where it has to be, and return its rows."""
    import ray

    place = ray.get_runtime_context().get_node_id()
    _register(extensions)
    os.environ["OMP_NUM_THREADS"] = str(max(1, work.threads))
    try:
        with alone_on_cores(work), node_store() as store:
            return replace(answer_of(work, store, work.run(store)), place=place)
    except (LambdaArchError, OSError) as error:
        return Answer(platform.node(), error=error, unusable=is_unusable(error), place=place)


def answer_of(work: Work, store: Store, uids: Sequence[str]) -> Answer:
    """Return the rows ``uids`` of the node's store, and their files."""
    with tempfile.TemporaryDirectory(dir=store.path.parent) as folder:
        part = Path(folder) / "rows.db"
        with Store(part) as copy:
            merge(copy, store.path, work.related(store, uids))
        return Answer(store.node, tuple(uids), part.read_bytes(), dict(work.files(store, uids)))


@contextmanager
def node_store() -> Iterator[Store]:
    """Yield the store of this node. Raises StoreError for a folder that belongs to somebody else."""
    with Store(_folder() / "results.db", node=platform.node()) as store:
        yield store


@contextmanager
def alone_on_cores(work: Work) -> Iterator[None]:
    """Wait until nothing of ours disturbs ``work`` on the cores of this machine, whichever driver began it.

    A latency on a CPU is measured while no other work of this user runs; trainings may run side by side.
    """
    if work.device != "cpu":
        yield
        return
    try:
        import fcntl
    except ImportError:  # Windows: only Ray's resources keep works apart
        yield
        return
    folder = Path(tempfile.gettempdir()) / f"lambda-arch-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "cores.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if work.undisturbed else fcntl.LOCK_SH)
        yield


def is_unusable(error: Exception) -> bool:
    """Return whether an error is the node's: its disk is full, or cannot be written to."""
    return isinstance(error, (OSError, StoreError))


def _register(extensions: Sequence[str]) -> None:
    for module in extensions:
        register(module)


def _folder() -> Path:
    given = os.environ.get(FOLDER)
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        return Path(given)
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    folder = Path(tempfile.gettempdir()) / f"lambda-arch-{user}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise StoreError(f"{folder}: belongs to another user; expected {FOLDER} to name a folder")
    return folder
