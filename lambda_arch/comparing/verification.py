"""Every architecture of the published tables, counted by all three books."""

from collections.abc import Iterable, Iterator, Sequence

from lambda_arch.arch import Architecture
from lambda_arch.comparing.comparison import Comparison, row_architecture
from lambda_arch.costs import Verification, verify


def architectures(comparisons: Iterable[Comparison]) -> list[Architecture]:
    """Return the distinct architectures behind the rows, and behind columns whose code has options of its own."""
    found: dict[Architecture, None] = {}
    for comparison in comparisons:
        for row in comparison.rows:
            for options in {"": None} | {column.options: None for column in comparison.table.columns}:
                architecture = row_architecture(row.published, options)
                if architecture is not None:
                    found[architecture] = None
    return list(found)


def verify_all(architectures: Sequence[Architecture]) -> Iterator[Verification]:
    """Yield each verification as it is done."""
    return map(verify, architectures)
