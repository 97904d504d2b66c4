"""``lambda-arch params`` and ``lambda-arch flops``."""

from lambda_arch.cli.architectures import Named, takes_architectures
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs import count
from lambda_arch.reporting import Report
from lambda_arch.reporting.ledgers import costs_report, totals_report


@takes_architectures
@takes_output
def params(architectures: Named, output: Output) -> None:
    """Count parameters and compare them with published figures."""
    output.show(_costs(architectures, "params", output))


@takes_architectures
@takes_output
def flops(architectures: Named, output: Output) -> None:
    """Count multiply-accumulates (MACs) and FLOPs per stage."""
    output.show(_costs(architectures, "macs", output))


def _costs(architectures: Named, quantity: str, output: Output) -> Report:
    if architectures.swept:
        from lambda_arch.reporting.sweeps import swept_report

        return swept_report(totals_report([count(each) for each in architectures]), architectures.swept)
    tables = {}
    if output.for_people:
        from lambda_arch.reporting.published import published_table

        tables = {str(each): table for each in architectures if (table := published_table(each, quantity))}
    return costs_report([count(each) for each in architectures], quantity, tables)
