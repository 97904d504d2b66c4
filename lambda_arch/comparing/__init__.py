"""Published tables with ours beside theirs, and verdicts that know how many digits were printed."""

from lambda_arch.comparing.comparison import (
    COMPARABLE,
    ComparedRow,
    Comparison,
    compare,
    published_figures,
    row_architecture,
)
from lambda_arch.comparing.verdict import (
    AGREES,
    DIFFERS,
    NOT_BUILDABLE,
    NOT_COMPARABLE,
    TRUNCATED,
    Verdict,
    judge,
)

__all__ = [
    "AGREES",
    "COMPARABLE",
    "DIFFERS",
    "NOT_BUILDABLE",
    "NOT_COMPARABLE",
    "TRUNCATED",
    "ComparedRow",
    "Comparison",
    "Verdict",
    "compare",
    "judge",
    "published_figures",
    "row_architecture",
]
