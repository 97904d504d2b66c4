"""What an architecture costs, in three independent books: closed form, fvcore, and torch's own flop counter."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lambda_arch.count.counting import count
from lambda_arch.count.ledger import Ledger, Row
from lambda_arch.count.memory import map_bytes, saved_bytes, stage_saved_bytes

if TYPE_CHECKING:
    from lambda_arch.count.books import Verification, fvcore_book, torch_book, verify
    from lambda_arch.count.many import Counts, count_many

__all__ = [
    "Counts",
    "Ledger",
    "Row",
    "Verification",
    "count",
    "count_many",
    "fvcore_book",
    "map_bytes",
    "saved_bytes",
    "stage_saved_bytes",
    "torch_book",
    "verify",
]

_LATER = {"Counts": "many", "count_many": "many"}  # these need numpy, the rest torch: only when used


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"{__name__}.{_LATER.get(name, 'books')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
