"""An item: the smallest work that the kit does as a whole, in at most so many seconds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gpu.settings import Settings

Row = dict[str, Any]


class SkippedError(Exception):
    """An item cannot run here; its text says why, such as a package that is missing."""


@dataclass(frozen=True)
class Item:
    """``run`` returns or yields the rows of table ``table``; a yielded row is on disk before the next is measured.

    ``key`` names it on disk. ``planned``: its seconds on a data-centre GPU, estimated; it starts only if they are left.
    ``limit``: its longest time; it is ended then. ``needs``: packages that ``run`` imports and that may be missing.
    """

    step: int
    key: str
    table: str
    planned: float
    limit: float
    run: Callable[[Settings], Iterable[Row]] = field(compare=False)
    needs: tuple[str, ...] = ()
