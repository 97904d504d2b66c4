"""``lambda-arch params`` and ``lambda-arch flops``."""

from lambda_arch.arch import Architecture
from lambda_arch.cli.architectures import takes_architectures
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.comparing import published_figures
from lambda_arch.costs import count
from lambda_arch.reporting import Report
from lambda_arch.reporting.ledgers import costs_report


@takes_architectures
@takes_output
def params(architectures: list[Architecture], output: Output) -> None:
    """Count parameters, and compare them with what was published of this architecture."""
    output.show(_costs(architectures, "params"))


@takes_architectures
@takes_output
def flops(architectures: list[Architecture], output: Output) -> None:
    """Count multiply-accumulates and FLOPs, by stage."""
    output.show(_costs(architectures, "macs"))


def _costs(architectures: list[Architecture], quantity: str) -> Report:
    ledgers = [count(architecture) for architecture in architectures]
    return costs_report(ledgers, [published_figures(a) for a in architectures], quantity)
