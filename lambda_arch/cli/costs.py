"""``lambda-arch params`` and ``lambda-arch flops``."""

from typing import Annotated

from typer import Option

from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.gates import Max, check_max, read_max
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs import Ledger, count
from lambda_arch.costs.backward import read_mode
from lambda_arch.reporting import Report
from lambda_arch.reporting.ledgers import costs_report, totals_report


@takes_architectures
@takes_output
def params(*, architectures: Named, maximum: Max = None, output: Output) -> None:
    """Count parameters and compare them with published figures."""
    limit = read_max(maximum)
    ledgers = [count(each) for each in architectures]
    output.show(_costs(architectures, ledgers, "params", output))
    check_max({str(each.architecture): each.params for each in ledgers}, limit, "parameters")


@takes_architectures
@takes_output
def flops(
    *,
    architectures: Named,
    mode: Annotated[
        str, Option(help="inference, or train (forward and backward pass of a training step).", metavar="MODE")
    ] = "inference",
    maximum: Max = None,
    output: Output,
) -> None:
    """Count multiply-accumulates (MACs) and FLOPs per stage; --max is in FLOPs."""
    limit = read_max(maximum, example="8.2G")
    known = read_mode(mode)
    ledgers = [count(each, mode=known) for each in architectures]
    output.show(_costs(architectures, ledgers, "macs", output))
    check_max({str(each.architecture): each.flops for each in ledgers}, limit, "FLOPs")


def _costs(architectures: Named, ledgers: list[Ledger], quantity: str, output: Output) -> Report:
    if architectures.swept:
        from lambda_arch.reporting.sweeps import swept_report

        return swept_report(totals_report(ledgers), architectures.swept)
    tables = {}
    if output.for_people and ledgers[0].mode == "inference":
        from lambda_arch.reporting.published import published_table

        tables = {str(each): table for each in architectures if (table := published_table(each, quantity))}
    return costs_report(ledgers, quantity, tables)
