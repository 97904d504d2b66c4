"""``lambda-arch list``."""

from lambda_arch.arch import all_named, parse
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs import count
from lambda_arch.reporting.ledgers import list_report


@takes_output
def list_architectures(output: Output) -> None:
    """List the named architectures with their sources and costs."""
    output.show(list_report([(entry.name, entry.source, count(parse(entry.name))) for entry in all_named()]))
