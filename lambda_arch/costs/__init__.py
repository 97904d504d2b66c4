"""The costs of an architecture, by three independent counters: closed form, fvcore, and torch's own flop counter."""

from typing import TYPE_CHECKING

from lambda_arch.costs.closed_form import count
from lambda_arch.costs.ledger import Ledger, Row
from lambda_arch.costs.memory import map_bytes, saved_bytes, stage_saved_bytes
from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.costs.agreement import Verification, verify
    from lambda_arch.costs.fvcore_counter import count_by_fvcore
    from lambda_arch.costs.many import Counts, count_many
    from lambda_arch.costs.torch_counter import count_by_torch

__all__ = [
    "Counts",
    "Ledger",
    "Row",
    "Verification",
    "count",
    "count_by_fvcore",
    "count_by_torch",
    "count_many",
    "map_bytes",
    "saved_bytes",
    "stage_saved_bytes",
    "verify",
]

# these need numpy or torch, so they are imported when used
__getattr__, _ = lazy_names(
    __name__,
    {
        "Counts": "many",
        "Verification": "agreement",
        "count_many": "many",
        "count_by_fvcore": "fvcore_counter",
        "count_by_torch": "torch_counter",
        "verify": "agreement",
    },
)
