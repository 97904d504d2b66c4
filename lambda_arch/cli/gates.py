"""Gates for continuous integration: a command shows its result, then exits with 1 if a figure is over a limit."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lambda_arch.cli.messages import say
from lambda_arch.units import COUNTS, PERCENT, Units, read_number

if TYPE_CHECKING:
    from lambda_arch.timing.measuring import Timing

MOST_LINES = 10


def _max(cost: str, example: str) -> Any:
    text = f"Exit with 1 if an architecture has {cost} than this, such as {example}."
    return typer.Option("--max", help=text, metavar="VALUE")


MaxParams = Annotated[str | None, _max("more parameters", "16M")]
MaxFlops = Annotated[str | None, _max("more FLOPs (twice the MACs)", "8.2G")]
MaxMemory = Annotated[str | None, _max("a higher peak", "24GB")]
FailOver = Annotated[
    str | None,
    typer.Option(
        "--fail-over",
        help="Exit with 1 if the latency ratio is over 1 by more than this, such as 5%, with its whole IQR.",
        metavar="PERCENT",
    ),
]


def read_max(text: str | None, units: Units = COUNTS, example: str = "16M") -> Decimal | None:
    """Return the limit of ``--max``; raises :class:`LambdaArchError` if it is no plausible cost."""
    if text is None:
        return None
    number, factor = read_number(text, units, f"maximum={text}", example)
    return number * factor


def check_max(costs: Mapping[str, int], limit: Decimal | None, unit: str) -> None:
    """Exit with 1, and a line per architecture, if any of ``costs`` is over ``limit``."""
    if limit is not None:
        fail(
            f"{name}: {cost:,} {unit}, over the maximum of {limit:,.0f}" for name, cost in costs.items() if cost > limit
        )


def read_fail_over(text: str | None) -> Decimal | None:
    """Return the limit of ``--fail-over`` as a ratio: 1.05 for 5%."""
    return None if text is None else 1 + read_number(text, PERCENT, f"fail_over={text}", "5%")[0] / 100


def check_ratios(timings: "Iterable[Timing]", limit: Decimal | None) -> None:
    """Exit with 1 if the whole interquartile range of a latency ratio is over ``limit``."""
    if limit is None:
        return
    found = [(timing.measurement, timing.ratio, timing.baseline) for timing in timings if timing.ratio is not None]
    for m, ratio, _ in found:
        if ratio.q1 <= limit < ratio.median:
            say(
                f"note: {m.architecture} ({m.setup}): over {limit:.4g}, but not with its whole IQR: no failure",
                err=True,
            )
    fail(
        f"{m.architecture} ({m.setup}): {ratio.median:.3f} times the latency of {baseline} "
        f"(IQR {ratio.q1:.3f} to {ratio.q3:.3f}), over {limit:.4g}"
        for m, ratio, baseline in found
        if ratio.q1 > limit
    )


def fail(lines: Iterable[str]) -> None:
    """Print ``lines`` (ten, then how many more) and exit with 1 if there are any."""
    failures = list(lines)
    for line in failures[:MOST_LINES]:
        say(f"lambda-arch: {line}", err=True)
    if len(failures) > MOST_LINES:
        say(f"lambda-arch: and {len(failures) - MOST_LINES} more", err=True)
    if failures:
        raise typer.Exit(1)
