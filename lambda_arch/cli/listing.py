"""``lambda-arch list``."""

from lambda_arch.arch import all_named, parse
from lambda_arch.cli.architectures import Named, takes_listed
from lambda_arch.cli.output import Output, takes_output
from lambda_arch.costs import count
from lambda_arch.reporting.ledgers import list_report, totals_report
from lambda_arch.reporting.sweeps import swept_report


@takes_listed
@takes_output
def list_architectures(architectures: Named, output: Output) -> None:
    """List the named architectures with sources and costs.

    With settings, the costs of all of them with these settings.
    """
    if architectures.by_user:
        report = totals_report([count(each) for each in dict.fromkeys(architectures)])
        output.show(swept_report(report, architectures.swept))
    else:
        output.show(list_report([(entry.name, entry.source, count(parse(entry.name))) for entry in all_named()]))
