"""``lambda-arch params`` and ``lambda-arch flops``."""

from lambda_arch.arch import Architecture
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs import count
from lambda_arch.reporting import Report
from lambda_arch.reporting.ledgers import costs_report


@takes_architectures
@takes_output
def params(architectures: list[Architecture], output: Output) -> None:
    """Count parameters and compare them with published figures."""
    output.show(_costs(architectures, "params", output))


@takes_architectures
@takes_output
def flops(architectures: list[Architecture], output: Output) -> None:
    """Count multiply-accumulates (MACs) and FLOPs per stage."""
    output.show(_costs(architectures, "macs", output))


def _costs(architectures: list[Architecture], quantity: str, output: Output) -> Report:
    tables = {}
    if output.for_people:
        from lambda_arch.reporting.published import published_table

        tables = {str(each): table for each in architectures if (table := published_table(each, quantity))}
    return costs_report([count(each) for each in architectures], quantity, tables)
