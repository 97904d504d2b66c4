"""Reading and checking the arguments shared by the verbs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lambda_arch.arch import Architecture, parse
from lambda_arch.errors import ArchitectureError, SetupError
from lambda_arch.interop.locating import Location, locate, source_digest
from lambda_arch.interop.references import Reference, reference_to
from lambda_arch.store.case import Named
from lambda_arch.store.connection import Store
from lambda_arch.store.setup import Setup

StoreLike = Store | Path | str | None
"""An open store, its path, or None for the user's own."""

Architectures = str | Architecture | Iterable[str | Architecture]
"""One or several architectures, each as a name or a value."""

Inputs = str | Sequence[str] | None
"""The inputs of modules, as texts such as ``1,3,64,64``; None for one image."""

Factory = Callable[..., Any]
"""A function or class that another process can import, which returns an ``nn.Module``."""

Networks = Architectures | Factory | Reference | Iterable[str | Architecture | Factory | Reference]
"""Architectures, and modules of any kind by their factories."""


@contextmanager
def opened(store: StoreLike, *, create: bool = True, read_only: bool = False) -> Iterator[Store]:
    """Yield ``store``; if it is a path or None, open it, and close it afterwards.

    ``create``: whether a path may be that of a new store; ``read_only``: open a copy that cannot be written to.
    """
    if isinstance(store, Store):
        yield store
        return
    with Store(store, create=create or store is None, read_only=read_only) as own:
        yield own


def read_architectures(architectures: Architectures) -> list[Architecture]:
    """Return the distinct architectures in order. Raises :class:`ArchitectureError` for an invalid name."""
    found: list[Architecture] = []
    for each in read_networks(architectures):
        if isinstance(each, Reference):
            raise ArchitectureError(
                f"{each}: a module of any kind; expected an architecture by name, whose parts are known"
            )
        found.append(each)
    return found


def read_networks(networks: Networks, inputs: Inputs = None) -> list[Architecture | Reference]:
    """Return the distinct networks in order, factories as references with ``inputs``.

    Raises :class:`ArchitectureError` for an invalid name, and for a factory that another process cannot import.
    """
    several = isinstance(networks, Iterable) and not isinstance(networks, str)
    given: Any = networks if several else [networks]
    shapes = [inputs] if isinstance(inputs, str) else list(inputs or ())
    return list(dict.fromkeys(_network(each, shapes) for each in given))


def _network(given: Any, inputs: Sequence[str]) -> Architecture | Reference:
    if isinstance(given, str):
        return parse(given)
    if isinstance(given, Reference) or hasattr(given, "parts"):
        return given  # type: ignore[no-any-return]
    return reference_to(given, *inputs)


def location_of(network: Named) -> Location | None:
    """Return where the source of a module that is not ours is; None for an architecture."""
    return locate(network) if isinstance(network, Reference) else None


def source_of(network: Named) -> str:
    """Return the digest of the source of a module that is not ours; empty for an architecture."""
    return source_digest(network, locate(network)) if isinstance(network, Reference) else ""


def check_setup(network: Named, setup: Setup) -> None:
    """Raise :class:`SetupError` for a setup in which a module that is not ours cannot be measured."""
    if not isinstance(network, Reference):
        return
    if setup.evaluation != "canonical":
        raise SetupError(f"evaluation={setup.evaluation}: {network} has no lambda layers of ours; expected canonical")
    if setup.runtime != "torch":
        raise SetupError(f"runtime={setup.runtime}: runs architectures by name; expected torch with {network}")
    first = network.inputs[0]
    if first.shape[0] != 1:
        raise SetupError(f"input={first}: the batch comes first; expected 1 there, and batch_size={first.shape[0]}")


def read_setups(
    batch_size: int | str | Sequence[int],
    dtype: str | Sequence[str],
    runtime: str | Sequence[str] = "torch",
    **settings: Any,
) -> list[Setup]:
    """Return a setup for each dtype, batch size and runtime. Raises :class:`SetupError` for an invalid one."""
    sizes = batch_size if isinstance(batch_size, Sequence) else [batch_size]
    if isinstance(batch_size, str) or not all(isinstance(size, int) for size in sizes):
        raise SetupError(f"batch_size={batch_size}: expected a whole number from 1, or several")
    dtypes: Sequence[Any] = [dtype] if isinstance(dtype, str) else dtype
    runtimes: Sequence[Any] = [runtime] if isinstance(runtime, str) else runtime
    return [
        Setup(batch_size=size, dtype=name, runtime=each, **settings)  # type: ignore[arg-type]
        for name in dtypes
        for size in sizes
        for each in runtimes
    ]
