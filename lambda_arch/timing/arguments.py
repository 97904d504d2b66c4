"""Reading and checking the arguments shared by the verbs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lambda_arch.arch import Architecture, parse
from lambda_arch.errors import SetupError
from lambda_arch.store.connection import Store
from lambda_arch.store.setup import Setup

StoreLike = Store | Path | str | None
"""An open store, its path, or None for the user's own."""

Architectures = str | Architecture | Iterable[str | Architecture]
"""One or several architectures, each as a name or a value."""


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
    several = isinstance(architectures, Iterable) and not isinstance(architectures, str)
    given: Any = architectures if several else [architectures]
    return list(dict.fromkeys(parse(each) if isinstance(each, str) else each for each in given))


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
