"""What a task of the cluster does: a work finds its results in a store, or makes them there."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from lambda_arch.store.connection import Store
from lambda_arch.timing.machines import fingerprint_of


class Work(Protocol):
    """What one accelerator does alone. It is a value that can be sent to another machine.

    ``name`` is shown; ``key`` is the same for equal works of any driver. ``device``: cpu or cuda; ``threads`` of a CPU.
    ``undisturbed``: its results are latencies, so that nothing else of ours may use the same cores. Works whose results
    are all in the store need only what is abstract.
    """

    @property
    @abstractmethod
    def name(self) -> str: ...  # noqa: D102
    @property
    @abstractmethod
    def key(self) -> str: ...  # noqa: D102
    @property
    @abstractmethod
    def device(self) -> str: ...  # noqa: D102
    @property
    @abstractmethod
    def threads(self) -> int: ...  # noqa: D102
    @property
    @abstractmethod
    def undisturbed(self) -> bool: ...  # noqa: D102

    def fingerprint(self, store: Store) -> str:
        """Return the fingerprint of this machine as seen from the device, and keep its description in ``store``."""
        return fingerprint_of(store, self.device)

    @abstractmethod
    def find(self, store: Store, fingerprints: Collection[str]) -> list[str] | None:
        """Return the uids of the rows that the work is to make, if ``store`` has them, of one of these machines.

        Works whose nodes may differ take those of any machine.
        """

    def has_begun(self) -> bool:
        """Return whether there is something here from which the work goes on, such as a checkpoint."""
        return False

    @abstractmethod
    def run(self, store: Store) -> list[str]:
        """Do the work here, keep its rows in ``store`` and return their uids."""

    def related(self, store: Store, uids: Sequence[str]) -> list[str]:
        """Return ``uids`` with those of the rows that they are compared with."""
        return list(uids)

    def files(self, store: Store, uids: Sequence[str]) -> Mapping[str, bytes]:
        """Return the files of the rows ``uids``, to be kept by the driver."""
        return {}

    def keep(self, files: Mapping[str, bytes]) -> None:
        """Keep ``files`` where the driver runs."""
        return
