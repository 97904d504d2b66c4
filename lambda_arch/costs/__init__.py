"""What an architecture costs, in three independent books: closed form, fvcore, and torch's own flop counter."""

from typing import TYPE_CHECKING

from lambda_arch.costs.closed_form import count
from lambda_arch.costs.ledger import Ledger, Row
from lambda_arch.costs.memory import map_bytes, saved_bytes, stage_saved_bytes
from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.costs.books import Verification, fvcore_book, torch_book, verify
    from lambda_arch.costs.many import Counts, count_many

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

# these need numpy or torch: only when used
__getattr__, _ = lazy_names(
    __name__,
    {
        "Counts": "many",
        "Verification": "books",
        "count_many": "many",
        "fvcore_book": "books",
        "torch_book": "books",
        "verify": "books",
    },
)
