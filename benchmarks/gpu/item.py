"""An item: the smallest work that the kit does as a whole, in at most so many seconds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gpu.settings import Settings

Row = dict[str, Any]


class SkippedError(Exception):
    """An item cannot run here; its text says why, such as a package that is missing."""


@dataclass(frozen=True)
class Item:
    """``run`` returns the rows of table ``table``. ``seconds``: its longest time; it is ended then.

    ``key`` names it on disk. ``needs``: packages that ``run`` imports and that may be missing.
    """

    step: int
    key: str
    table: str
    seconds: float
    run: Callable[[Settings], list[Row]] = field(compare=False)
    needs: tuple[str, ...] = ()
