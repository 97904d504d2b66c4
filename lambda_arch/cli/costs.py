"""``lambda-arch params`` and ``lambda-arch flops``."""

from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.gates import Max, check_max, read_max
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs import Ledger, count
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
def flops(*, architectures: Named, maximum: Max = None, output: Output) -> None:
    """Count multiply-accumulates (MACs) and FLOPs per stage; --max is in FLOPs."""
    limit = read_max(maximum, example="8.2G")
    ledgers = [count(each) for each in architectures]
    output.show(_costs(architectures, ledgers, "macs", output))
    check_max({str(each.architecture): each.flops for each in ledgers}, limit, "FLOPs")


def _costs(architectures: Named, ledgers: list[Ledger], quantity: str, output: Output) -> Report:
    if architectures.swept:
        from lambda_arch.reporting.sweeps import swept_report

        return swept_report(totals_report(ledgers), architectures.swept)
    tables = {}
    if output.for_people:
        from lambda_arch.reporting.published import published_table

        tables = {str(each): table for each in architectures if (table := published_table(each, quantity))}
    return costs_report(ledgers, quantity, tables)
