"""Published figures compared with our counts: verdicts that respect the printed digits, the audit and ``match``."""

from typing import TYPE_CHECKING

from lambda_arch.comparing.comparison import (
    COMPARABLE,
    TALLIED,
    ComparedRow,
    Comparison,
    Comparisons,
    LongComparisons,
    compare,
    published_figures,
    row_architecture,
)
from lambda_arch.comparing.verdict import (
    AGREES,
    DIFFERS,
    NOT_BUILDABLE,
    NOT_COMPARABLE,
    ONE_DIGIT,
    TRUNCATED,
    Verdict,
    in_unit,
    judge,
)
from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.comparing.explaining import Explanations, explain
    from lambda_arch.comparing.findings import Finding, Findings, audit
    from lambda_arch.comparing.matching import Matches, match
    from lambda_arch.comparing.sides import SideBySide, side_by_side

__all__ = [
    "AGREES",
    "COMPARABLE",
    "DIFFERS",
    "NOT_BUILDABLE",
    "NOT_COMPARABLE",
    "ONE_DIGIT",
    "TALLIED",
    "TRUNCATED",
    "ComparedRow",
    "Comparison",
    "Comparisons",
    "Explanations",
    "Finding",
    "Findings",
    "LongComparisons",
    "Matches",
    "SideBySide",
    "Verdict",
    "audit",
    "compare",
    "explain",
    "in_unit",
    "judge",
    "match",
    "published_figures",
    "row_architecture",
    "side_by_side",
]

# these need numpy, so they are imported when used
__getattr__, _ = lazy_names(
    __name__,
    {
        "Explanations": "explaining",
        "Finding": "findings",
        "Findings": "findings",
        "Matches": "matching",
        "audit": "findings",
        "explain": "explaining",
        "match": "matching",
        "SideBySide": "sides",
        "side_by_side": "sides",
    },
)
